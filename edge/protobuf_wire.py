"""A reader of the protobuf wire format, just deep enough to look into an ONNX file.

Source: https://protobuf.dev/programming-guides/encoding/. Boards have no `onnx` package, and
two questions must be answered there: does a model point outside its own file, and how are its
integer inputs and outputs quantized.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["WireFormatError", "iter_fields"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class WireFormatError(ValueError):
    """The bytes are not a protobuf message."""


def iter_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Walk the fields of one message without copying.

    Args:
        message: the encoded message.

    Yields:
        Field number, and the value: an int for varint and fixed-size fields (raw bits), a view
        for length-delimited ones.

    Raises:
        WireFormatError: the bytes end inside a field or use an unknown wire type.
    """
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, position = _varint(message, position)
        elif wire_type in (_FIXED64, _FIXED32):
            size = 8 if wire_type == _FIXED64 else 4
        else:
            raise WireFormatError(f"wire type {wire_type} at byte {position} is not in use")
        if size > end - position:
            raise WireFormatError(f"field {number} at byte {position} runs past the end")
        part = message[position : position + size]
        position += size
        if wire_type == _BYTES:
            yield number, part
        else:
            yield number, struct.unpack("<Q" if size == 8 else "<I", part)[0]  # noqa: PLR2004


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for index in range(_LONGEST_VARINT):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, position
    raise WireFormatError(f"a number at byte {position} does not end")
