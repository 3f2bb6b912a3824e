"""WebP: size and wholeness (RFC 9649; VP8 frame header: RFC 6386, section 9.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edge.errors import DecodeError
from edge.image_headers.base import TRY_AGAIN, ImageHeader, check_size, cut_short
from edge.image_headers.exif import read_orientation

__all__ = ["read_webp"]

_RIFF_HEADER_BYTES = 12
_CHUNK_HEADER_BYTES = 8
_MAX_CHUNKS = 10_000
_VP8_START_CODE = b"\x9d\x01\x2a"
_VP8L_SIGNATURE = 0x2F
_HEADER_BYTES = {b"VP8 ": 10, b"VP8L": 5, b"VP8X": 10}
_ALPHA_FLAG = 0x10
_EXIF_PREFIX = b"Exif\0\0"


@dataclass(slots=True)
class _Chunks:
    """What the walk over the chunks has seen so far; sizes are (0, 0) until seen."""

    canvas: tuple[int, int] = (0, 0)
    picture: tuple[int, int] = (0, 0)
    animation_frames: int = 0
    orientation: int = 0
    has_alpha: bool = False


def read_webp(view: memoryview) -> ImageHeader:
    """Read a WebP's header and check that all of its chunks lie inside the file.

    Args:
        view: the whole file, that claims to be a WebP.

    Raises:
        DecodeError: the file is truncated or malformed.
        InputTooLargeError: the picture is over the limits.
    """
    if len(view) < _RIFF_HEADER_BYTES:
        raise cut_short("WebP", len(view))
    end = 8 + struct.unpack_from("<I", view, 4)[0]
    if end > len(view):
        raise cut_short("WebP", len(view))
    chunks = _walk(view, end)
    size = chunks.canvas if chunks.animation_frames else chunks.picture
    if size == (0, 0) or chunks.canvas not in ((0, 0), size):
        raise DecodeError(f"the WebP holds no picture of the size it states; {TRY_AGAIN}")
    return ImageHeader(
        format="webp",
        width=size[0],
        height=size[1],
        bits=8,
        channels=4 if chunks.has_alpha else 3,
        size_bytes=end,
        orientation=chunks.orientation or 1,
        frames=max(1, chunks.animation_frames),
    )


def _walk(view: memoryview, end: int) -> _Chunks:
    chunks = _Chunks()
    position = _RIFF_HEADER_BYTES
    for _ in range(_MAX_CHUNKS):
        if position + _CHUNK_HEADER_BYTES > end:
            return chunks
        kind, length = struct.unpack_from("<4sI", view, position)
        start = position + _CHUNK_HEADER_BYTES
        if start + length > end:
            raise cut_short("WebP", len(view))
        _note_chunk(chunks, kind, view[start : start + length])
        # Chunks are padded to an even length.
        position = start + length + (length & 1)
    raise DecodeError(f"the WebP has over {_MAX_CHUNKS:,} chunks; save it again")


def _note_chunk(chunks: _Chunks, kind: bytes, payload: memoryview) -> None:
    if len(payload) < _HEADER_BYTES.get(kind, 0):
        raise DecodeError(f"the WebP has a chunk that is too short; {TRY_AGAIN}")
    if kind == b"VP8X":
        chunks.canvas = _uint24(payload, 4) + 1, _uint24(payload, 7) + 1
        chunks.has_alpha |= bool(payload[0] & _ALPHA_FLAG)
        check_size(*chunks.canvas)
    elif kind in (b"VP8 ", b"VP8L") and chunks.picture == (0, 0):
        read = _read_vp8 if kind == b"VP8 " else _read_vp8l
        chunks.picture, has_alpha = read(payload)
        chunks.has_alpha |= has_alpha
        check_size(*chunks.picture)
    elif kind == b"ANMF":
        chunks.animation_frames += 1
    elif kind == b"EXIF" and not chunks.orientation:
        # Some writers keep the prefix that Exif has inside JPEG.
        has_prefix = payload[:6] == _EXIF_PREFIX
        chunks.orientation = read_orientation(payload[6:] if has_prefix else payload)


def _read_vp8(payload: memoryview) -> tuple[tuple[int, int], bool]:
    is_key_frame = not payload[0] & 1
    if not is_key_frame or payload[3:6] != _VP8_START_CODE:
        raise DecodeError(f"the WebP's picture does not begin with its header; {TRY_AGAIN}")
    width, height = struct.unpack_from("<HH", payload, 6)
    return (width & 0x3FFF, height & 0x3FFF), False


def _read_vp8l(payload: memoryview) -> tuple[tuple[int, int], bool]:
    signature, bits = struct.unpack_from("<BI", payload)
    if signature != _VP8L_SIGNATURE:
        raise DecodeError(f"the WebP's picture does not begin with its header; {TRY_AGAIN}")
    return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1), bool(bits >> 28 & 1)


def _uint24(payload: memoryview, position: int) -> int:
    return payload[position] | payload[position + 1] << 8 | payload[position + 2] << 16
