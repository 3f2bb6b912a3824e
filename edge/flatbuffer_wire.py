"""FlatBuffers (https://flatbuffers.dev/internals/), as far as reading TFLite models needs them."""

from __future__ import annotations

import struct

__all__ = ["FlatBuffer"]


class FlatBuffer:
    """Reads tables of a FlatBuffer, bounds-checked: what lies outside raises.

    Every method raises `struct.error` or `IndexError` for an offset that leads out of the data.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def offset(self, position: int) -> int:
        """Follow the unsigned offset at a position."""
        return position + int(struct.unpack_from("<I", self._data, position)[0])

    def _field(self, table: int, slot: int) -> int | None:
        vtable = table - int(struct.unpack_from("<i", self._data, table)[0])
        if vtable < 0:
            raise IndexError("virtual table before the file")
        size = int(struct.unpack_from("<H", self._data, vtable)[0])
        place = 4 + 2 * slot
        if place + 2 > size:
            return None
        relative = int(struct.unpack_from("<H", self._data, vtable + place)[0])
        return table + relative if relative else None

    def uint(self, table: int, slot: int) -> int:
        """An unsigned 32-bit field; 0 where it is absent."""
        place = self._field(table, slot)
        return 0 if place is None else int(struct.unpack_from("<I", self._data, place)[0])

    def byte(self, table: int, slot: int) -> int:
        """An unsigned 8-bit field; 0 where it is absent."""
        place = self._field(table, slot)
        return 0 if place is None else self._data[place]

    def vector(self, table: int, slot: int) -> tuple[int, int]:
        """First element's position and number of elements; (0, 0) where it is absent."""
        place = self._field(table, slot)
        if place is None:
            return 0, 0
        start = self.offset(place)
        return start + 4, int(struct.unpack_from("<I", self._data, start)[0])

    def tables(self, vector: tuple[int, int]) -> list[int]:
        """Positions of the tables in a vector."""
        start, count = vector
        if count > len(self._data) // 4:
            raise IndexError("vector longer than the file")
        return [self.offset(start + 4 * index) for index in range(count)]

    def bytes_of(self, table: int, slot: int) -> bytes:
        """A vector of bytes or a string."""
        start, count = self.vector(table, slot)
        return self._data[start : start + count]
