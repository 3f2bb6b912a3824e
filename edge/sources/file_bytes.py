"""The bytes of an input file, within limits."""

from __future__ import annotations

import os
import stat
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from edge.errors import DecodeError, InputError, InputNotFoundError, InputTooLargeError
from edge.source_name import show_source

__all__ = ["read_file_bytes", "read_stream_bytes", "say_why"]

_STREAM_STEP = 1 << 20


def read_file_bytes(path: str | os.PathLike[str], *, limit: int, advice: str) -> bytes:
    """Read a whole file.

    Only regular files are read, so that a pipe or a device cannot hang or fill the memory.

    Args:
        path: the file.
        limit: how many bytes it may have.
        advice: what to do with a larger one.

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
        raise InputNotFoundError(f"{shown}: {say_why(error)}; check the name") from error
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        try:
            status = os.fstat(descriptor)
            _check_regular(status, shown)
            if status.st_size > limit:
                raise _too_large(shown, f"{status.st_size:,}", limit, advice)
            return _read_all(file, shown, limit=limit, step=status.st_size + 1, advice=advice)
        except OSError as error:
            raise InputError(f"{shown}: {say_why(error)}; copy the file again") from error


def read_stream_bytes(stream: BinaryIO, shown: str, *, limit: int, advice: str) -> bytes:
    """Read a stream to its end.

    Args:
        stream: any stream of bytes.
        shown: what messages call it.
        limit: how many bytes there may be.
        advice: what to do with more.

    Raises:
        DecodeError: the stream is empty.
        InputTooLargeError: the stream is over the limit; one byte more than that was read.
        OSError: reading fails.
    """
    return _read_all(stream, shown, limit=limit, step=_STREAM_STEP, advice=advice)


def say_why(error: Exception) -> str:
    """What the operating system or Python says, in lower case."""
    text = error.strerror if isinstance(error, OSError) else str(error)
    return (text or type(error).__name__).lower()


def _check_regular(status: os.stat_result, shown: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown}: it is no regular file; give the name of one")


def _read_all(
    stream: BinaryIO | FileIO, shown: str, *, limit: int, step: int, advice: str
) -> bytes:
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
        raise _too_large(shown, f"over {limit:,}", limit, advice)
    if not pieces:
        raise DecodeError(f"{shown}: it is empty; export or copy the file again")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(shown: str, size: str, limit: int, advice: str) -> InputTooLargeError:
    return InputTooLargeError(f"{shown}: it is {size} bytes, and the most is {limit:,}; {advice}")
