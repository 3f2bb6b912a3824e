"""Where a TIFF keeps its pixels, and whether they are all there (TIFF 6.0, sections 3 and 15)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from edge.errors import DecodeError, UnsupportedInputError
from edge.image_headers.base import MAX_DECODED_BYTES, MAX_PIXELS, TRY_AGAIN, cut_short
from edge.image_headers.tiff_directory import TiffDirectory

__all__ = ["TILE_WIDTH", "TiffLayout", "check_pixels"]

TILE_WIDTH = 322

_STRIP_OFFSETS = 273
_ROWS_PER_STRIP = 278
_STRIP_BYTE_COUNTS = 279
_TILE_HEIGHT = 323
_TILE_OFFSETS = 324
_TILE_BYTE_COUNTS = 325

_BYTE_BITS = 8
_TILE_STEP = 16
_PIECE_BYTES = 1 << 20
_PLAIN = 1
_DEFLATE = frozenset({8, 32946})
_FAX = frozenset({2, 3, 4})
_LZW, _JPEG, _PACK_BITS = 5, 7, 32773
_READABLE = frozenset({_PLAIN, _LZW, _JPEG, _PACK_BITS}) | _DEFLATE | _FAX


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """The picture's shape and how its samples are stored.

    Attributes:
        width: columns in pixels.
        height: rows in pixels.
        bits: bits of one sample.
        samples: samples of one pixel.
        is_planar: whether each sample has strips or tiles of its own.
        is_tiled: whether it is kept in tiles and not in strips.
        compression: TIFF's number of the method.
    """

    width: int
    height: int
    bits: int
    samples: int
    is_planar: bool
    is_tiled: bool
    compression: int

    def row_bytes(self, width: int) -> int:
        """Bytes of one uncompressed row of `width` pixels in one strip or tile."""
        samples = 1 if self.is_planar else self.samples
        return (width * samples * self.bits + 7) // 8

    @property
    def planes(self) -> int:
        """How often the strips or tiles cover the picture."""
        return self.samples if self.is_planar else 1


def check_pixels(view: memoryview, directory: TiffDirectory, layout: TiffLayout) -> None:
    """Check that every strip or tile is there.

    Uncompressed ones must be long enough and deflated ones must unpack to their full length with
    a right check sum. Other compressions have no check sum and are taken at their stated length.

    Raises:
        DecodeError: pixels lie outside the file, are too few or are damaged.
        UnsupportedInputError: a compression that is not read, or planes of more than 8 bits, whose
            channels OpenCV mixes up.
    """
    if layout.compression not in _READABLE or (layout.compression in _FAX and layout.bits != 1):
        raise UnsupportedInputError(
            f"the TIFF's compression {layout.compression} is not read; save it with LZW or without"
        )
    if layout.is_planar and layout.bits > _BYTE_BITS:
        raise UnsupportedInputError(
            f"the TIFF keeps its {layout.bits}-bit channels in separate planes; save it interleaved"
        )
    is_tiled = layout.is_tiled
    sizes = list(_tile_bytes(directory, layout) if is_tiled else _strip_bytes(directory, layout))
    offsets_tag = _TILE_OFFSETS if is_tiled else _STRIP_OFFSETS
    counts_tag = _TILE_BYTE_COUNTS if is_tiled else _STRIP_BYTE_COUNTS
    offsets = directory.integers(offsets_tag, len(sizes))
    counts = directory.integers(counts_tag, len(sizes))
    if len(offsets) < len(sizes) or len(counts) < len(sizes):
        raise DecodeError(f"the TIFF does not say where all of its pixels are; {TRY_AGAIN}")
    for offset, count, size in zip(offsets, counts, sizes, strict=True):
        if offset + count > len(view):
            raise cut_short("TIFF", len(view))
        _check_segment(view[offset : offset + count], size, layout.compression)


def _strip_bytes(directory: TiffDirectory, layout: TiffLayout) -> Iterator[int]:
    rows = min(directory.integer(_ROWS_PER_STRIP, layout.height), layout.height)
    if rows < 1:
        raise DecodeError(f"the TIFF has strips of no rows; {TRY_AGAIN}")
    row_bytes = layout.row_bytes(layout.width)
    for _ in range(layout.planes):
        for top in range(0, layout.height, rows):
            yield min(rows, layout.height - top) * row_bytes


def _tile_bytes(directory: TiffDirectory, layout: TiffLayout) -> Iterator[int]:
    width, height = directory.integer(TILE_WIDTH, 0), directory.integer(_TILE_HEIGHT, 0)
    is_readable = 0 < width * height <= MAX_PIXELS and not width % _TILE_STEP | height % _TILE_STEP
    # One tile may be larger than its picture, and is unpacked whole.
    if not is_readable or height * layout.row_bytes(width) > MAX_DECODED_BYTES:
        raise DecodeError(f"the TIFF has tiles of {width} x {height} pixels; {TRY_AGAIN}")
    across, down = -(-layout.width // width), -(-layout.height // height)
    for _ in range(layout.planes * across * down):
        yield height * layout.row_bytes(width)


def _check_segment(segment: memoryview, size: int, compression: int) -> None:
    if not segment or (compression == _PLAIN and len(segment) < size):
        raise DecodeError(f"the TIFF holds fewer pixels than it says; {TRY_AGAIN}")
    if compression in _DEFLATE and not _inflates_to(segment, size):
        raise DecodeError(f"the TIFF's compressed pixels are damaged; {TRY_AGAIN}")


def _inflates_to(segment: memoryview, size: int) -> bool:
    """Say whether a deflated strip or tile unpacks to `size` bytes and a right check sum."""
    inflater = zlib.decompressobj()
    unpacked = 0
    rest: bytes | memoryview = segment
    try:
        while not inflater.eof and unpacked <= size:
            piece = inflater.decompress(rest, _PIECE_BYTES)
            rest = inflater.unconsumed_tail
            if not piece and not rest and not inflater.eof:
                return False
            unpacked += len(piece)
    except zlib.error:
        return False
    return unpacked == size
