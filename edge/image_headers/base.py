"""What every header reader returns, and the sizes beyond which nothing is unpacked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.errors import DecodeError, InputTooLargeError

__all__ = [
    "MAX_DECODED_BYTES",
    "MAX_ENCODED_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "TRY_AGAIN",
    "ImageFormat",
    "ImageHeader",
    "check_decoded_size",
    "check_size",
    "cut_short",
]

MAX_ENCODED_BYTES = 256 * 1024 * 1024
"""Largest encoded picture in bytes."""

MAX_DECODED_BYTES = 150_000_000
"""Most bytes that a picture may have once decoded: `MAX_PIXELS` of three 8-bit channels."""

MAX_PIXELS = 50_000_000
"""Most pixels in a picture: about 7000 x 7000, beyond any X-ray film."""

MAX_SIDE = 30_000
"""Longest side in pixels."""

TRY_AGAIN = "export or copy the file again"

ImageFormat = Literal["png", "jpeg", "tiff", "bmp", "webp"]


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an encoded picture says about itself, read before anything is decoded.

    Attributes:
        format: the container.
        width: columns as stored, before `orientation` is applied.
        height: rows as stored.
        bits: bits of one sample: 1, 2, 4, 8 or 16, and 32 where `is_float`; 8 for palettes.
        channels: 1 grey, 2 grey and alpha, 3 colour (palettes too), 4 colour and alpha or CMYK.
        size_bytes: length of the picture; what follows it in the file is ignored.
        orientation: Exif/TIFF orientation 1..8 (1 is upright).
        frames: pictures in the file; 0 is never given.
        is_float: whether samples are IEEE float32.
        has_one_scan: whether this is a JPEG with all of its pixels in one sequential scan.
        needs_opaque: whether OpenCV multiplies alpha into the colours of this kind of file, so
            that its colours are those of the file only where nothing is transparent.
    """

    format: ImageFormat
    width: int
    height: int
    bits: int
    channels: int
    size_bytes: int
    orientation: int = 1
    frames: int = 1
    is_float: bool = False
    has_one_scan: bool = False
    needs_opaque: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after `orientation` is applied: 5 to 8 lie on their side."""
        if self.orientation >= 5:  # noqa: PLR2004 - Exif's own numbering
            return self.height, self.width
        return self.width, self.height

    @property
    def decoded_bytes(self) -> int:
        """Bytes that OpenCV decodes to: all that is not plain grey has three channels or four."""
        channels = 4 if self.needs_opaque else 1 if self.channels == 1 else 3
        return self.width * self.height * channels * max(1, self.bits // 8)


def check_size(width: int, height: int) -> None:
    """Refuse a picture by its size.

    Raises:
        DecodeError: a side is 0.
        InputTooLargeError: a side is over `MAX_SIDE`, or there are over `MAX_PIXELS` pixels.
    """
    if width < 1 or height < 1:
        raise DecodeError(f"the picture says it is {width} x {height} pixels; {TRY_AGAIN}")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InputTooLargeError(
            f"the picture is {width} x {height} pixels, and the most is {MAX_PIXELS:,} pixels and "
            f"{MAX_SIDE:,} on a side; scale it down first"
        )


def check_decoded_size(header: ImageHeader) -> None:
    """Refuse a picture by the memory that it would take.

    Raises:
        InputTooLargeError: it has over `MAX_DECODED_BYTES` once decoded.
    """
    if header.decoded_bytes > MAX_DECODED_BYTES:
        raise InputTooLargeError(
            f"the picture is {header.width} x {header.height} pixels of {header.bits} bits, which "
            f"is {header.decoded_bytes:,} bytes once decoded, and the most is "
            f"{MAX_DECODED_BYTES:,}; scale it down, or save it as 8 bits or grey"
        )


def cut_short(kind: str, size_bytes: int) -> DecodeError:
    """The error for a file that ends before its picture does.

    Args:
        kind: the format as people write it, such as "PNG".
        size_bytes: how long the file is.
    """
    return DecodeError(f"the {kind} is cut short: it ends at byte {size_bytes:,}; {TRY_AGAIN}")
