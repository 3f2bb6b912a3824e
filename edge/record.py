"""A patient's record on its way through the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["RECORD_SUFFIXES", "Record"]

RECORD_SUFFIXES = (".npy", ".npz", ".csv", ".edge.json")
"""What a folder is searched for, whatever the case of its letters."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a model with other inputs than one picture is given, and where it came from.

    Attributes:
        values: by input name. For a picture a `Frame`; for a series, table or vector an array
            of numbers (NaN where one is missing) in the manifest's shape, or without its batch
            axis; nested lists of numbers, None and, where the input has a vocabulary, words; or
            a mapping from channel or column to these.
        source: file name, "-" or "memory".
        index: 0-based position within its source.
        capture_time_ns: time.time_ns() when it was read.
        digest: SHA-256 in hex of the file's bytes, or "" where nobody asked for it.
        decode_ns: nanoseconds that decoding took.
        capture_ns: nanoseconds that reading its files took.
    """

    values: Mapping[str, object]
    source: str = "memory"
    index: int = 0
    capture_time_ns: int = 0
    digest: str = ""
    decode_ns: int = 0
    capture_ns: int = 0
