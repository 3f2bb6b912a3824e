"""The header of an encoded picture, read and checked before anything is decoded.

OpenCV fills what is missing of a truncated picture with grey and says nothing, and takes
megabytes for the asking of a header. So the size, and that the file is whole, is decided here.
"""

from __future__ import annotations

from collections.abc import Callable

from edge.errors import DecodeError, InputTooLargeError
from edge.image_headers.base import (
    MAX_ENCODED_BYTES,
    MAX_PIXELS,
    MAX_SIDE,
    ImageFormat,
    ImageHeader,
)
from edge.image_headers.signatures import recognise_format

__all__ = [
    "MAX_ENCODED_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "ImageFormat",
    "ImageHeader",
    "read_header",
]


def read_header(data: bytes | memoryview) -> ImageHeader:
    """Read what a picture says about itself, and check that its file is whole.

    Args:
        data: an encoded PNG, JPEG, TIFF (classic, either byte order), BMP or WebP. At most
            `MAX_ENCODED_BYTES` bytes, `MAX_PIXELS` pixels and `MAX_SIDE` pixels on a side.

    Raises:
        DecodeError: the bytes are empty, truncated, damaged or malformed.
        InputTooLargeError: a limit is exceeded.
        UnsupportedInputError: another format, or a kind of one of these that is not read.
    """
    view = memoryview(data).cast("B")
    if not view:
        raise DecodeError("the file is empty; export or copy it again")
    if len(view) > MAX_ENCODED_BYTES:
        raise InputTooLargeError(
            f"the file is {len(view):,} bytes, and the most is {MAX_ENCODED_BYTES:,}; "
            "scale the picture down first"
        )
    return _reader(recognise_format(view))(view)


def _reader(format_: ImageFormat | None) -> Callable[[memoryview], ImageHeader]:
    """Import what reads a format, and nothing of the others: a board waits for each import."""
    if format_ == "jpeg":
        from edge.image_headers.jpeg import read_jpeg as reader
    elif format_ == "png":
        from edge.image_headers.png import read_png as reader
    elif format_ == "tiff":
        from edge.image_headers.tiff import read_tiff as reader
    elif format_ == "webp":
        from edge.image_headers.webp import read_webp as reader
    elif format_ == "bmp":
        from edge.image_headers.bmp import read_bmp as reader
    else:
        from edge.image_headers.unknown import refuse_unknown as reader
    return reader
