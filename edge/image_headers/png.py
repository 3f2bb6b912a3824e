"""PNG: size, depth and wholeness (W3C Portable Network Graphics, third edition)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from edge.errors import DecodeError, UnsupportedInputError
from edge.image_headers.base import TRY_AGAIN, ImageHeader, check_size, cut_short
from edge.image_headers.exif import read_orientation
from edge.image_headers.signatures import PNG_SIGNATURE

__all__ = ["read_png"]

_MAX_CHUNKS = 100_000
_CHUNK_OVERHEAD = 12
_PALETTE = 3
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), _PALETTE: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, _PALETTE: 3, 4: 2, 6: 4}


@dataclass(slots=True)
class _Chunks:
    """What the walk over the chunks has seen so far."""

    seen: set[bytes] = field(default_factory=set)
    orientation: int = 1
    frames: int = 1


def read_png(view: memoryview) -> ImageHeader:
    """Read a PNG's header and check that every chunk up to IEND is there and undamaged.

    The check sums of all chunks are verified. The pixel stream itself is left to libpng, which
    refuses one that is short or fails its own check sum.

    Args:
        view: the whole file, beginning with `PNG_SIGNATURE`.

    Raises:
        DecodeError: the file is truncated, damaged or malformed.
        InputTooLargeError: the picture is over the limits.
        UnsupportedInputError: an unknown compression, filter or interlace method.
    """
    width, height, bits, colour = _read_image_header(view)
    check_size(width, height)
    chunks, end = _walk(view)
    if b"IDAT" not in chunks.seen or (colour == _PALETTE and b"PLTE" not in chunks.seen):
        raise DecodeError(f"the PNG lacks its pixels or its palette; {TRY_AGAIN}")
    return ImageHeader(
        format="png",
        width=width,
        height=height,
        bits=8 if colour == _PALETTE else bits,
        channels=_CHANNELS[colour],
        size_bytes=end,
        orientation=chunks.orientation,
        frames=chunks.frames,
    )


def _read_image_header(view: memoryview) -> tuple[int, int, int, int]:
    start = len(PNG_SIGNATURE)
    if len(view) < start + 25:
        raise cut_short("PNG", len(view))
    length, kind = struct.unpack_from(">I4s", view, start)
    if kind != b"IHDR" or length != 13:  # noqa: PLR2004 - the size that the format gives IHDR
        raise DecodeError(f"the PNG does not begin with its header; {TRY_AGAIN}")
    width, height, bits, colour, packing, filtering, interlace = struct.unpack_from(
        ">IIBBBBB", view, start + 8
    )
    if bits not in _DEPTHS.get(colour, ()):
        raise DecodeError(f"the PNG says {bits} bits and colour type {colour}; {TRY_AGAIN}")
    if packing or filtering or interlace > 1:
        raise UnsupportedInputError(
            f"the PNG uses methods {packing}, {filtering}, {interlace}, which the standard does "
            "not have; save it again as a plain PNG"
        )
    return width, height, bits, colour


def _walk(view: memoryview) -> tuple[_Chunks, int]:
    chunks = _Chunks()
    position = len(PNG_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position + _CHUNK_OVERHEAD > len(view):
            raise cut_short("PNG", len(view))
        length, kind = struct.unpack_from(">I4s", view, position)
        end = position + _CHUNK_OVERHEAD + length
        if end > len(view):
            raise cut_short("PNG", len(view))
        (expected,) = struct.unpack_from(">I", view, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != expected:
            raise DecodeError(f"the PNG is damaged in the chunk at byte {position:,}; {TRY_AGAIN}")
        _note_chunk(chunks, kind, view[position + 8 : end - 4])
        position = end
        if kind == b"IEND":
            return chunks, position
    raise DecodeError(f"the PNG has over {_MAX_CHUNKS:,} chunks; save it again")


def _note_chunk(chunks: _Chunks, kind: bytes, payload: memoryview) -> None:
    if kind == b"eXIf" and kind not in chunks.seen:
        chunks.orientation = read_orientation(payload)
    elif kind == b"acTL" and len(payload) >= 8:  # noqa: PLR2004 - two counts of 4 bytes
        (chunks.frames,) = struct.unpack_from(">I", payload)
        chunks.frames = max(1, chunks.frames)
    chunks.seen.add(kind)
