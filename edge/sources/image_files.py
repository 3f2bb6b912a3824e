"""Image files: which ones the user means, and their bytes."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from typing import BinaryIO

from edge.errors import InputError, InputNotFoundError
from edge.image_header import MAX_ENCODED_BYTES
from edge.source_name import show_source
from edge.sources.file_bytes import read_file_bytes, read_stream_bytes, say_why

__all__ = ["IMAGE_SUFFIXES", "expand_inputs", "read_image_bytes", "read_stdin_bytes"]

IMAGE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".tif",
    ".tiff",
    ".bmp",
    ".dib",
    ".webp",
)
"""What a folder is searched for, whatever the case of its letters."""

_STDIN = "-"
_ADVICE = "scale the picture down first"
_DIGITS = re.compile(r"(\d+)")


def expand_inputs(
    arguments: Sequence[str], *, suffixes: tuple[str, ...] = IMAGE_SUFFIXES
) -> list[str]:
    """Turn what the user named into single inputs.

    A folder becomes the files in it that end in one of `suffixes` (not those in folders inside
    it, nor hidden ones), with numbers in names in numeric order. A pattern that is no file's own
    name becomes the files that match it, likewise sorted. Anything else stays as it is: whether
    a named file exists is seen when its turn comes, so that a wrong name does not stop the others.

    Args:
        arguments: files, folders, glob patterns (`**` for folders inside folders), "-".
        suffixes: what a folder is searched for, in lower case.

    Raises:
        InputNotFoundError: a folder holds no such files, or a pattern matches no file.
    """
    inputs: list[str] = []
    for argument in arguments:
        if argument == _STDIN:
            inputs.append(argument)
        elif os.path.isdir(argument):  # noqa: PTH112 - a Path would change how names are written
            inputs += _list_folder(argument, suffixes)
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            inputs += _match_pattern(argument)
        else:
            inputs.append(argument)
    return inputs


def read_image_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read an encoded picture of at most `MAX_ENCODED_BYTES`; as `read_file_bytes`.

    Raises:
        InputError: as `read_file_bytes`.
    """
    return read_file_bytes(path, limit=MAX_ENCODED_BYTES, advice=_ADVICE)


def read_stdin_bytes(stream: BinaryIO, *, limit: int = MAX_ENCODED_BYTES) -> bytes:
    """Read an encoded picture to the end of a stream.

    Args:
        stream: standard input's bytes.
        limit: how many bytes there may be.

    Raises:
        DecodeError: the stream is empty.
        InputTooLargeError: the stream is over the limit; one byte more than that was read.
        InputError: reading fails.
    """
    try:
        return read_stream_bytes(stream, _STDIN, limit=limit, advice=_ADVICE)
    except OSError as error:
        raise InputError(f"{_STDIN}: standard input: {say_why(error)}") from error


def _list_folder(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a Path would change how names are written
    except OSError as error:
        raise InputNotFoundError(f"{show_source(folder)}: {say_why(error)}") from error
    paths = [
        os.path.join(folder, name)  # noqa: PTH118 - a Path would change how names are written
        for name in names
        if name.lower().endswith(suffixes) and not name.startswith(".")
    ]
    files = [path for path in paths if not os.path.isdir(path)]  # noqa: PTH112
    if not files:
        noun = "images" if suffixes == IMAGE_SUFFIXES else "inputs of this model"
        raise InputNotFoundError(
            f"folder {show_source(folder)} holds no {noun} (looked for {' '.join(suffixes)})"
        )
    return sorted(files, key=_natural_order)


def _match_pattern(pattern: str) -> list[str]:
    matches = glob.glob(pattern, recursive=True)  # noqa: PTH207 - a Path cannot hold every pattern
    files = [path for path in matches if not os.path.isdir(path)]  # noqa: PTH112
    if not files:
        raise InputNotFoundError(f"no file matches {show_source(pattern)}; check the pattern")
    return sorted(files, key=_natural_order)


def _natural_order(path: str) -> tuple[list[tuple[int, str]], str]:
    """Order by words without case and by numbers as numbers, and equal ones by their bytes."""
    words = _DIGITS.split(path.casefold())
    return [(int(word) if word.isdecimal() else -1, word) for word in words], path
