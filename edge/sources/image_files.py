"""Image files: which ones the user means, and their bytes."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from edge.errors import DecodeError, InputError, InputNotFoundError, InputTooLargeError
from edge.image_header import MAX_ENCODED_BYTES
from edge.source_name import show_source

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
_STREAM_STEP = 1 << 20
_DIGITS = re.compile(r"(\d+)")


def expand_inputs(arguments: Sequence[str]) -> list[str]:
    """Turn what the user named into single inputs.

    A folder becomes the pictures in it (not those in folders inside it, nor hidden ones), with
    numbers in names in numeric order. A pattern that is no file's own name becomes the files
    that match it, likewise sorted. Anything else stays as it is: whether a named file exists is
    seen when its turn comes, so that a wrong name does not stop the others.

    Args:
        arguments: files, folders, glob patterns (`**` for folders inside folders), "-".

    Raises:
        InputNotFoundError: a folder holds no pictures, or a pattern matches no file.
    """
    inputs: list[str] = []
    for argument in arguments:
        if argument == _STDIN:
            inputs.append(argument)
        elif os.path.isdir(argument):  # noqa: PTH112 - a Path would change how names are written
            inputs += _list_folder(argument)
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            inputs += _match_pattern(argument)
        else:
            inputs.append(argument)
    return inputs


def read_image_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read an encoded picture.

    Only regular files are read, so that a pipe or a device cannot hang or fill the memory.

    Args:
        path: the file; at most `MAX_ENCODED_BYTES`.

    Raises:
        InputNotFoundError: the file does not exist or cannot be opened.
        DecodeError: the file is empty.
        InputTooLargeError: the file is over the limit; nothing of it was read.
        InputError: the path is no regular file, or reading fails.
    """
    name = os.fspath(path)
    shown = show_source(name)
    try:
        _check_regular(Path(name).stat(), shown)
        # Should a pipe have come in its place, opening must not wait for its writer.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputNotFoundError(f"{shown}: {_say_why(error)}; check the name") from error
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        try:
            status = os.fstat(descriptor)
            _check_regular(status, shown)
            if status.st_size > MAX_ENCODED_BYTES:
                raise _too_large(shown, f"{status.st_size:,}", MAX_ENCODED_BYTES)
            return _read_all(file, shown, limit=MAX_ENCODED_BYTES, step=status.st_size + 1)
        except OSError as error:
            raise InputError(f"{shown}: {_say_why(error)}; copy the file again") from error


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
        return _read_all(stream, _STDIN, limit=limit, step=_STREAM_STEP)
    except OSError as error:
        raise InputError(f"{_STDIN}: standard input: {_say_why(error)}") from error


def _check_regular(status: os.stat_result, shown: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown}: it is no regular file; name an image file")


def _read_all(stream: BinaryIO | FileIO, shown: str, *, limit: int, step: int) -> bytes:
    """Read to the end, at most `step` bytes at once and one byte more than the limit at all."""
    pieces: list[bytes] = []
    wanted = limit + 1
    while wanted > 0:
        piece = stream.read(min(step, wanted))
        if not piece:
            break
        pieces.append(piece)
        wanted -= len(piece)
    if wanted <= 0:
        raise _too_large(shown, f"over {limit:,}", limit)
    if not pieces:
        raise DecodeError(f"{shown}: it is empty; export or copy the file again")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _list_folder(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a Path would change how names are written
    except OSError as error:
        raise InputNotFoundError(f"{show_source(folder)}: {_say_why(error)}") from error
    paths = [
        os.path.join(folder, name)  # noqa: PTH118 - a Path would change how names are written
        for name in names
        if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")
    ]
    files = [path for path in paths if not os.path.isdir(path)]  # noqa: PTH112
    if not files:
        raise InputNotFoundError(
            f"folder {show_source(folder)} holds no images (looked for {' '.join(IMAGE_SUFFIXES)})"
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


def _too_large(shown: str, size: str, limit: int) -> InputTooLargeError:
    return InputTooLargeError(
        f"{shown}: it is {size} bytes, and the most is {limit:,}; scale the picture down first"
    )


def _say_why(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return (text or type(error).__name__).lower()
