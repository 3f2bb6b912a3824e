"""Encoded pictures to frames.

What OpenCV does not tell by itself is decided here from the header: the size, that the file is
whole, and which way up it is. Its own reading of Exif differs between versions (PNG and WebP
are turned only by newer ones), so that it is told to leave pictures as stored.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import DecodeError, InputError, UnsupportedInputError
from edge.frame import Frame
from edge.image_header import ImageHeader, read_header
from edge.image_headers.base import check_decoded_size
from edge.opencv import import_opencv
from edge.source_name import show_source

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["decode_image"]

_GREY_CHANNELS = (1, 2)
_COLOUR = 3
_BYTE_BITS = 8
_BYTES, _WORDS, _FLOAT = np.dtype("uint8"), np.dtype("uint16"), np.dtype("float32")

# More bytes than libjpeg ever reads ahead, none of them the beginning of a marker.
_JPEG_FILLER = b"\x55" * 8
_JPEG_END_BYTES = 2


def decode_image(data: bytes, *, source: str, index: int = 0, digest: bool = False) -> Frame:
    """Decode one picture.

    8-bit pictures stay uint8 and 16-bit ones uint16; grey stays grey; palettes become colour
    and 1-bit pictures 0 and 255; alpha is dropped; CMYK becomes colour; float32 TIFF must lie in
    0..1. The orientation that Exif or TIFF states is applied, as image viewers do.

    Damage inside pixel data that is otherwise whole cannot always be told from a picture: JPEG,
    WebP, BMP and (unless deflated) TIFF have no check sums. libjpeg writes what it notices to
    standard error and goes on; only too few data are an error here, and not those of the last
    scan of a progressive JPEG.

    Args:
        data: a whole PNG, JPEG, TIFF, BMP or WebP file; limits as in `edge.image_header`.
        source: where it came from, for the frame and for messages.
        index: its position within its source.
        digest: whether to fill `Frame.digest`.

    Returns:
        A grey frame (height, width, 1) or a bgr frame (height, width, 3); `decode_ns` is what
        checking and decoding took.

    Raises:
        DecodeError: the bytes are empty, truncated or damaged, or memory ran out.
        InputTooLargeError: a limit is exceeded; nothing was unpacked.
        UnsupportedInputError: not a picture of a kind that is read, or several in one file.
        DeviceError: OpenCV is not installed, or is too old to be relied on.
    """
    captured = time.time_ns()
    started = time.perf_counter_ns()
    try:
        pixels = _decode(data)
    except InputError as error:
        raise type(error)(f"{show_source(source)}: {error}") from error
    decode_ns = time.perf_counter_ns() - started
    return Frame(
        pixels=pixels,
        colour="bgr" if pixels.shape[2] == _COLOUR else "grey",
        source=source,
        index=index,
        capture_time_ns=captured,
        digest=hashlib.sha256(data).hexdigest() if digest else "",
        decode_ns=decode_ns,
    )


def _decode(data: bytes) -> NDArray[Any]:
    header = read_header(data)
    if header.frames > 1:
        raise UnsupportedInputError(
            f"the {header.format.upper()} holds {header.frames} pictures; save one as its own file"
        )
    check_decoded_size(header)
    cv2 = import_opencv()
    pixels = _call_opencv(cv2, data, header)
    _check_against_header(pixels, header)
    # OpenCV always turns TIFF pictures itself.
    if header.orientation != 1 and header.format != "tiff":
        pixels = _turn_upright(cv2, pixels, header.orientation)
    return pixels if pixels.ndim == _COLOUR else pixels[:, :, np.newaxis]


def _call_opencv(cv2: ModuleType, data: bytes, header: ImageHeader) -> NDArray[Any]:
    """Decode as stored: (height, width) or (height, width, 3), alpha dropped."""
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    if header.needs_opaque:
        flags = cv2.IMREAD_UNCHANGED
    try:
        if header.has_one_scan:
            data = _open_end(data, header)
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except (cv2.error, MemoryError):
        pixels = None
    if pixels is None:
        raise DecodeError(
            f"the {header.width} x {header.height} {header.format.upper()} cannot be decoded: "
            "it is damaged, or memory is short; export or copy the file again"
        )
    if header.needs_opaque:
        return _drop_opaque_alpha(pixels)
    if pixels.ndim == _COLOUR and header.channels in _GREY_CHANNELS:
        # A grey PNG with alpha comes as three equal channels.
        return np.ascontiguousarray(pixels[:, :, 0])
    return _as_array(pixels)


def _open_end(data: bytes, header: ImageHeader) -> bytes:
    """Put a few bytes of nothing in the place of a JPEG's end marker.

    At the marker libjpeg would make up grey for all data that are missing before it. Without
    one it asks for more when the picture is not complete, and OpenCV then fails. A complete
    picture is decoded to the same pixels.
    """
    # A fill byte before the end marker would make a marker of the first byte that follows.
    end = len(data[: header.size_bytes - _JPEG_END_BYTES].rstrip(b"\xff"))
    return b"".join((memoryview(data)[:end], _JPEG_FILLER))


def _drop_opaque_alpha(pixels: NDArray[Any]) -> NDArray[Any]:
    if (
        pixels.ndim != _COLOUR
        or pixels.shape[2] != _COLOUR + 1
        or pixels[:, :, _COLOUR].min() < np.iinfo(np.uint8).max
    ):
        raise UnsupportedInputError("the TIFF has transparent pixels; save it without alpha")
    return np.ascontiguousarray(pixels[:, :, :_COLOUR])


def _as_array(pixels: Any) -> NDArray[Any]:
    array: NDArray[Any] = pixels
    return array


def _check_against_header(pixels: NDArray[Any], header: ImageHeader) -> None:
    width, height = header.width, header.height
    if header.format == "tiff":
        width, height = header.upright_size
    dtype = _FLOAT if header.is_float else _BYTES if header.bits <= _BYTE_BITS else _WORDS
    if pixels.shape[:2] != (height, width) or pixels.dtype != dtype:
        raise DecodeError(
            f"the picture came out as {pixels.shape[1]} x {pixels.shape[0]} {pixels.dtype} and "
            f"its header says {width} x {height} {dtype}; export or copy the file again"
        )
    if header.is_float and not (pixels.min() >= 0 and pixels.max() <= 1):
        raise UnsupportedInputError(
            "the TIFF's float values are not all in 0..1; scale them, or save 16-bit integers"
        )


def _turn_upright(cv2: ModuleType, pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an Exif orientation of 2..8 (CIPA DC-008, 4.6.5.1.6) with one copy of the picture."""
    turn = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
    if orientation in turn:
        return _as_array(cv2.rotate(pixels, turn[orientation]))
    flip = {2: 1, 4: 0}
    if orientation in flip:
        return _as_array(cv2.flip(pixels, flip[orientation]))
    # 5 and 7 are mirrored along one of the diagonals.
    upright = pixels if orientation == 5 else pixels[::-1, ::-1]  # noqa: PLR2004
    return np.ascontiguousarray(upright.swapaxes(0, 1))
