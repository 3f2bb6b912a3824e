"""TIFF's list of tags, which Exif shares (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from edge.errors import DecodeError, UnsupportedInputError
from edge.image_headers.base import TRY_AGAIN, cut_short

__all__ = ["ORIENTATION", "TiffDirectory", "read_byte_order", "read_directory"]

ORIENTATION = 274

_BIG_TIFF = 43
_CLASSIC_TIFF = 42
_ENTRY_BYTES = 12
_INTEGER_CODES = {1: "B", 3: "H", 4: "I"}
_INLINE_BYTES = 4


@dataclass(frozen=True, slots=True)
class TiffDirectory:
    """One directory: the tags of one picture in the file.

    Attributes:
        view: the whole TIFF structure.
        order: "<" or ">" as `struct` writes byte orders.
        entries: tag -> (type code, count, position of the entry's value field).
    """

    view: memoryview
    order: str
    entries: Mapping[int, tuple[int, int, int]]

    def integers(self, tag: int, limit: int) -> tuple[int, ...]:
        """Return at most `limit` unsigned integers of a BYTE, SHORT or LONG tag.

        Returns:
            The values; empty where the tag is absent.

        Raises:
            DecodeError: the tag has another type, or its values lie outside the file.
        """
        if tag not in self.entries:
            return ()
        kind, count, position = self.entries[tag]
        code = _INTEGER_CODES.get(kind)
        if code is None:
            raise DecodeError(f"the TIFF's tag {tag} has type {kind}, not a whole number")
        size = struct.calcsize(code)
        if count * size > _INLINE_BYTES:
            (position,) = struct.unpack_from(self.order + "I", self.view, position)
        if position + count * size > len(self.view):
            raise cut_short("TIFF", len(self.view))
        return struct.unpack_from(f"{self.order}{min(count, limit)}{code}", self.view, position)

    def integer(self, tag: int, default: int) -> int:
        """Return the first value of a tag, or `default` where it is absent or empty.

        Raises:
            DecodeError: as for `integers`.
        """
        values = self.integers(tag, 1)
        return values[0] if values else default


def read_byte_order(view: memoryview) -> tuple[str, int]:
    """Read the eight bytes that open a TIFF structure.

    Returns:
        The byte order as `struct` writes it, and where the first directory is.

    Raises:
        DecodeError: these are not the first bytes of a TIFF.
        UnsupportedInputError: a BigTIFF.
    """
    order = {b"II": "<", b"MM": ">"}.get(bytes(view[:2]))
    if order is None or len(view) < 8:  # noqa: PLR2004 - order, magic and one offset
        raise DecodeError(f"the TIFF does not begin with its header; {TRY_AGAIN}")
    magic, first = struct.unpack_from(order + "HI", view, 2)
    if magic == _BIG_TIFF:
        raise UnsupportedInputError("BigTIFF is not read; save the picture as a classic TIFF")
    if magic != _CLASSIC_TIFF:
        raise DecodeError(f"the TIFF does not begin with its header; {TRY_AGAIN}")
    return order, first


def read_directory(view: memoryview, offset: int, order: str) -> tuple[TiffDirectory, int]:
    """Read the directory at `offset`.

    Returns:
        The directory, and where the next one is (0 after the last).

    Raises:
        DecodeError: the directory does not lie inside the file.
    """
    if offset + 2 > len(view):
        raise cut_short("TIFF", len(view))
    (count,) = struct.unpack_from(order + "H", view, offset)
    end = offset + 2 + count * _ENTRY_BYTES
    if end > len(view):
        raise cut_short("TIFF", len(view))
    entries: dict[int, tuple[int, int, int]] = {}
    for position in range(offset + 2, end, _ENTRY_BYTES):
        tag, kind, length = struct.unpack_from(order + "HHI", view, position)
        entries.setdefault(tag, (kind, length, position + 8))
    following = 0
    if end + 4 <= len(view):
        (following,) = struct.unpack_from(order + "I", view, end)
    return TiffDirectory(view, order, entries), following
