"""Records of comparisons that grow run by run: read back, or begun anew."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from edge.errors import InputError

__all__ = ["read_or_begin"]


class _Versioned(Protocol):
    @property
    def format(self) -> int:
        """Of the file."""
        ...


_Record = TypeVar("_Record", bound=_Versioned)


def read_or_begin(path: Path, empty: _Record, *, option: str) -> _Record:
    """Read what was found so far.

    Args:
        path: the file; it need not be there.
        empty: the record with nothing in it, of the format that is read.
        option: which names the file on the command line, for the message.

    Returns:
        The record; `empty` where there is no file, or one without a byte.

    Raises:
        InputError: the file is damaged or of another format.
    """
    data = b""
    with contextlib.suppress(FileNotFoundError):
        data = path.read_bytes()
    if not data:
        return empty
    try:
        found = msgspec.json.decode(data, type=type(empty))
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: not a comparison: {error}; give a new {option}") from error
    if found.format != empty.format:
        raise InputError(f"{path}: format {found.format}, not {empty.format}; give a new {option}")
    return found
