"""Everything that a calibration knows after some of its examples."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph
from quantize.tensor_statistics import TensorStatistics

__all__ = ["CalibrationState", "chained", "digest_example"]


class CalibrationState:
    """The statistics of every activation, and which examples they come from.

    Attributes:
        tensors: statistics by activation.
        done: how many examples were seen.
        digest: SHA-256 over them, in their order.
        first: SHA-256 of the first; empty before it.
        is_varied: whether any example differs from the first.
    """

    __slots__ = ("digest", "done", "first", "is_varied", "tensors")

    def __init__(self, graph: FloatGraph, names: Sequence[str], *, most_values: int) -> None:
        self.tensors = {
            name: TensorStatistics(graph.shapes[name], most_values=most_values) for name in names
        }
        self.done = 0
        self.digest = b""
        self.first = b""
        self.is_varied = False

    def count_example(self, digest: bytes) -> None:
        """Note that an example has been seen.

        Args:
            digest: of the example, from `digest_example`.
        """
        self.done += 1
        self.digest = chained(self.digest, digest)
        self.first = self.first or digest
        self.is_varied = self.is_varied or digest != self.first


def digest_example(example: Mapping[str, NDArray[Any]]) -> bytes:
    """SHA-256 over the arrays of an example, in the order of their names."""
    found = hashlib.sha256()
    for name, values in sorted(example.items()):
        found.update(f"{name} {values.dtype.str} {values.shape}".encode())
        found.update(np.ascontiguousarray(values).data)
    return found.digest()


def chained(before: bytes, digest: bytes) -> bytes:
    """SHA-256 of a digest that stands after others."""
    return hashlib.sha256(before + digest).digest()
