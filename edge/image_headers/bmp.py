"""BMP: size, depth and wholeness (Microsoft, "Bitmap Storage")."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edge.errors import DecodeError, UnsupportedInputError
from edge.image_headers.base import TRY_AGAIN, ImageHeader, check_size, cut_short

__all__ = ["read_bmp"]

_FILE_HEADER_BYTES = 14
_OS2_HEADER_BYTES = 12
_HEADER_BYTES = frozenset({_OS2_HEADER_BYTES, 40, 52, 56, 108, 124})
_PLAIN = 0
_BITFIELDS = 3
# The masks of blue, green, red in that order of bytes, which is all that needs no unpacking.
_PLAIN_MASKS = (0x00FF0000, 0x0000FF00, 0x000000FF)
_LARGEST_PALETTE_BITS = 8
_TRUE_COLOUR = frozenset({24, 32})
_PALETTES = frozenset({1, 4, _LARGEST_PALETTE_BITS})


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of the bitmap header that decide the layout."""

    header_bytes: int
    width: int
    height: int
    bits: int
    compression: int


def read_bmp(view: memoryview) -> ImageHeader:
    """Read a BMP's header and check that its pixels lie inside the file.

    Args:
        view: the whole file, that claims to be a BMP.

    Raises:
        DecodeError: the file is truncated or malformed.
        InputTooLargeError: the picture is over the limits.
        UnsupportedInputError: run-length coding, 16-bit pixels or odd colour masks.
    """
    if len(view) < _FILE_HEADER_BYTES + _OS2_HEADER_BYTES:
        raise cut_short("BMP", len(view))
    fields = _read_fields(view)
    check_size(fields.width, fields.height)
    _check_readable(view, fields)
    pixels = struct.unpack_from("<I", view, 10)[0]
    end = pixels + (fields.width * fields.bits + 31) // 32 * 4 * fields.height
    if pixels < _FILE_HEADER_BYTES + fields.header_bytes:
        raise DecodeError(f"the BMP's pixels overlap its header; {TRY_AGAIN}")
    if end > len(view):
        raise cut_short("BMP", len(view))
    return ImageHeader(
        format="bmp",
        width=fields.width,
        height=fields.height,
        bits=8,
        channels=4 if fields.bits == 32 else 3,  # noqa: PLR2004 - the fourth byte of a pixel
        size_bytes=end,
    )


def _read_fields(view: memoryview) -> _Fields:
    (header_bytes,) = struct.unpack_from("<I", view, _FILE_HEADER_BYTES)
    if header_bytes not in _HEADER_BYTES:
        raise UnsupportedInputError(f"the BMP has a header of {header_bytes} bytes; save it as PNG")
    if _FILE_HEADER_BYTES + header_bytes > len(view):
        raise cut_short("BMP", len(view))
    if header_bytes == _OS2_HEADER_BYTES:
        width, height, _, bits = struct.unpack_from("<HHHH", view, _FILE_HEADER_BYTES + 4)
        return _Fields(header_bytes, width, height, bits, _PLAIN)
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", view, _FILE_HEADER_BYTES + 4)
    # A negative height means that the top row comes first.
    return _Fields(header_bytes, width, abs(height), bits, compression)


def _check_readable(view: memoryview, fields: _Fields) -> None:
    if fields.bits not in _PALETTES | _TRUE_COLOUR:
        raise UnsupportedInputError(f"the BMP has {fields.bits} bits a pixel; save it as a PNG")
    has_masks = fields.compression == _BITFIELDS and fields.bits == 32  # noqa: PLR2004
    if fields.compression != _PLAIN and not has_masks:
        raise UnsupportedInputError(
            f"the BMP is compressed (method {fields.compression}); save it uncompressed or as PNG"
        )
    if has_masks:
        masks_at = _FILE_HEADER_BYTES + 40
        if masks_at + 12 > len(view):
            raise cut_short("BMP", len(view))
        if struct.unpack_from("<III", view, masks_at) != _PLAIN_MASKS:
            raise UnsupportedInputError("the BMP has unusual colour masks; save it as a PNG")
