"""TIFF: size, depth and wholeness (TIFF 6.0)."""

from __future__ import annotations

from edge.errors import DecodeError, UnsupportedInputError
from edge.image_headers.base import TRY_AGAIN, ImageHeader, check_size
from edge.image_headers.tiff_directory import (
    ORIENTATION,
    TiffDirectory,
    read_byte_order,
    read_directory,
)
from edge.image_headers.tiff_pixels import TILE_WIDTH, TiffLayout, check_pixels

__all__ = ["read_tiff"]

_MAX_DIRECTORIES = 64
_MAX_SAMPLES = 4

_SUBFILE_TYPE = 254
_WIDTH = 256
_HEIGHT = 257
_BITS_PER_SAMPLE = 258
_COMPRESSION = 259
_PHOTOMETRIC = 262
_SAMPLES_PER_PIXEL = 277
_PLANAR = 284
_EXTRA_SAMPLES = 338
_SAMPLE_FORMAT = 339

_REDUCED_OR_MASK = 0b101
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_UNSIGNED, _FLOAT = 1, 3
_JPEG = 7
_ALPHAS = (1, 2)
_SEPARATE_PLANES = 2

# (photometric, samples a pixel) -> (depths in bits, channels of `ImageHeader`)
_KINDS = {
    (_WHITE_IS_ZERO, 1): ((1, 8), 1),
    (_BLACK_IS_ZERO, 1): ((1, 8, 16, 32), 1),
    (_BLACK_IS_ZERO, 2): ((8,), 2),
    (_RGB, 3): ((8, 16, 32), 3),
    (_RGB, 4): ((8, 16), 4),
    (_PALETTE, 1): ((4, 8), 3),
    (_CMYK, 4): ((8,), 4),
    (_YCBCR, 3): ((8,), 3),
}


def read_tiff(view: memoryview) -> ImageHeader:
    """Read a TIFF's header and check that its pixels lie inside the file.

    Read are bilevel, grey, palette, RGB, CMYK and (inside JPEG compression) YCbCr pictures of
    unsigned integers, and float32 ones. Refused are kinds that OpenCV would read wrongly without
    a word, among them 16-bit pictures in which 0 is white and turned ones in tiles.

    Args:
        view: the whole file, that claims to be a TIFF.

    Raises:
        DecodeError: the file is truncated, damaged or malformed.
        InputTooLargeError: the picture is over the limits.
        UnsupportedInputError: BigTIFF, signed or 64-bit samples, rare colours or compressions.
    """
    order, offset = read_byte_order(view)
    directory, following = read_directory(view, offset, order)
    width, height = directory.integer(_WIDTH, 0), directory.integer(_HEIGHT, 0)
    check_size(width, height)
    bits, samples, channels = _read_kind(directory)
    layout = TiffLayout(
        width=width,
        height=height,
        bits=bits,
        samples=samples,
        is_planar=directory.integer(_PLANAR, 1) == _SEPARATE_PLANES,
        is_tiled=TILE_WIDTH in directory.entries,
        compression=directory.integer(_COMPRESSION, 1),
    )
    check_pixels(view, directory, layout)
    extra = directory.integer(_EXTRA_SAMPLES, 0)
    orientation = directory.integer(ORIENTATION, 1)
    if layout.is_tiled and orientation != 1:
        raise UnsupportedInputError(
            f"the TIFF is tiled and turned (orientation {orientation}); save it upright"
        )
    return ImageHeader(
        format="tiff",
        width=width,
        height=height,
        bits=8 if directory.integer(_PHOTOMETRIC, 0) == _PALETTE else bits,
        channels=channels,
        size_bytes=len(view),
        orientation=orientation if 1 <= orientation <= 8 else 1,  # noqa: PLR2004 - TIFF's numbering
        frames=_count_pictures(view, following, order),
        is_float=bits == 32,  # noqa: PLR2004 - the only depth of float32
        needs_opaque=bits == 8 and channels == 4 and samples == 4 and extra in _ALPHAS,  # noqa: PLR2004
    )


def _read_kind(directory: TiffDirectory) -> tuple[int, int, int]:
    """Return bits of a sample, samples of a pixel and channels, or refuse the kind."""
    samples = directory.integer(_SAMPLES_PER_PIXEL, 1)
    photometric = directory.integer(_PHOTOMETRIC, -1)
    depths = set(directory.integers(_BITS_PER_SAMPLE, _MAX_SAMPLES)) or {1}
    formats = set(directory.integers(_SAMPLE_FORMAT, _MAX_SAMPLES)) or {_UNSIGNED}
    if photometric < 0:
        raise DecodeError(f"the TIFF does not say what its samples mean; {TRY_AGAIN}")
    allowed, channels = _KINDS.get((photometric, samples), ((), 0))
    bits = max(depths)
    expected_format = {_FLOAT} if bits == 32 else {_UNSIGNED}  # noqa: PLR2004
    if len(depths) != 1 or bits not in allowed or formats != expected_format:
        raise UnsupportedInputError(
            f"the TIFF is of a kind that is not read: {samples} samples of {sorted(depths)} bits, "
            f"format {sorted(formats)}, photometric {photometric}; "
            "save it as 8- or 16-bit grey (0 is black) or RGB"
        )
    if photometric == _YCBCR and directory.integer(_COMPRESSION, 1) != _JPEG:
        raise UnsupportedInputError("the TIFF holds raw YCbCr samples; save it as RGB")
    return bits, samples, channels


def _count_pictures(view: memoryview, offset: int, order: str) -> int:
    """Count the full pictures in the file, given where its second directory is."""
    count = 1
    for _ in range(_MAX_DIRECTORIES):
        if offset == 0:
            return count
        directory, offset = read_directory(view, offset, order)
        if not directory.integer(_SUBFILE_TYPE, 0) & _REDUCED_OR_MASK:
            count += 1
    raise DecodeError(f"the TIFF has over {_MAX_DIRECTORIES} directories; save one picture of it")
