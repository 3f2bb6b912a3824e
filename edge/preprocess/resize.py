"""Resizing that gives the same bytes on every machine.

Only integer arithmetic is used: numpy's, and OpenCV's INTER_LINEAR_EXACT, which for 8-, 16- and
32-bit integers is fixed-point with coefficients from a software float
(`modules/imgproc/src/resize.cpp`, `linear_exact_tab`). OpenCV's INTER_AREA and INTER_LINEAR are
not the same on x86 and ARM, and INTER_LINEAR_EXACT falls back to INTER_LINEAR for floats.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interpolation", "resize_plane"]

Interpolation = Literal["linear_exact", "nearest"]

_UINT32_END = 1 << 32
# From so many pixels for one on, exact sums are faster than OpenCV's interpolation.
_MANY = 32


def resize_plane(
    plane: NDArray[Any],
    width: int,
    height: int,
    *,
    interpolation: Interpolation,
    antialias: bool,
) -> NDArray[Any]:
    """Resize one channel.

    "nearest" takes the pixel at `floor(i * old / new)` and never filters. "linear_exact" takes
    pixels for squares whose outer edges stay where they are, as OpenCV does.

    With `antialias` an axis that shrinks is averaged over what each new pixel covers, as
    INTER_AREA does, which models are mostly trained with:

    - Where 32 pixels or more become one, the mean is exact, rounded once.
    - Below, the picture is interpolated to k times the wanted size, where k is the factor
      rounded, and the mean of each k x k block is taken. That is above 50 dB from INTER_AREA on
      photographs, folds no more of fine grids than it does from a factor of 1.5 on, and is
      faster.

    Args:
        plane: (old height, old width), uint8, uint16 or int32 of 0..2**24.
        width: new columns, at least 1.
        height: new rows, at least 1.
        interpolation: what is between pixels.
        antialias: whether shrinking filters.

    Returns:
        (height, width) of the same dtype; `plane` itself where the size is already right.
    """
    old_height, old_width = plane.shape
    if (old_height, old_width) == (height, width):
        return plane
    if interpolation == "nearest":
        return _take_nearest(plane, width, height)
    if not antialias:
        return _interpolate(plane, width, height)
    shrinks_twofold = old_height >= 2 * height and old_width >= 2 * width
    if shrinks_twofold and plane.size >= _MANY * height * width:
        return _average_area(plane, width, height)
    block_height = _divide_rounded(old_height, height)
    block_width = _divide_rounded(old_width, width)
    between = _interpolate(plane, block_width * width, block_height * height)
    return _average_blocks(between, block_height, block_width)


def _divide_rounded(old: int, new: int) -> int:
    """Return old / new to the nearest integer, halves up, and at least 1."""
    return max(1, (2 * old + new) // (2 * new))


def _take_nearest(plane: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    rows = np.arange(height) * plane.shape[0] // height
    columns = np.arange(width) * plane.shape[1] // width
    taken: NDArray[Any] = plane.take(rows, axis=0).take(columns, axis=1)
    return taken


def _interpolate(plane: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    if plane.shape == (height, width):
        return plane
    if plane.shape == (2 * height, 2 * width):
        # The same by definition; there OpenCV goes over to INTER_AREA, which has no int32.
        return _average_blocks(plane, 2, 2)
    import cv2

    resized: NDArray[Any] = cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return resized


def _average_blocks(plane: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """Return the mean of each block of `height` x `width` pixels, halves rounded up."""
    area = height * width
    if area == 1:
        return plane
    wide = _sum_dtype(plane, area)
    is_narrow = plane.dtype == np.uint8 and height <= np.iinfo(np.uint8).max
    # Strided sums: the first over rows, which lie together in memory, then over columns.
    rows: NDArray[Any] = plane[::height].astype(np.uint16 if is_narrow else wide)
    for row in range(1, height):
        np.add(rows, plane[row::height], out=rows, dtype=rows.dtype, casting="unsafe")
    total: NDArray[Any] = rows[:, ::width].astype(wide)
    for column in range(1, width):
        total += rows[:, column::width]
    return _divide(total, area, plane.dtype)


def _average_area(plane: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """Return the mean over what each new pixel covers, parts of pixels by their share.

    Lengths are counted in 1 / (height * width) of a pixel, so that every share is an integer.
    """
    old_height, old_width = plane.shape
    dtype = _sum_dtype(plane, old_height + 2 * height)
    first, share = _find_edges(old_height, height)
    rows = np.empty((height, old_width), dtype)
    for row, (start, end) in enumerate(pairwise(first)):
        np.add.reduce(plane[start:end], axis=0, dtype=dtype, out=rows[row])
    rows *= dtype(height)
    shared = plane[first[1:-1]] * share.astype(dtype)[:, np.newaxis]
    rows[:-1] += shared
    rows[1:] -= shared

    first, share = _find_edges(old_width, width)
    total = np.add.reduceat(rows, first[:-1], axis=1, dtype=np.int64)
    total *= np.int64(width)
    shared = rows[:, first[1:-1]] * share.astype(np.int64)
    total[:, :-1] += shared
    total[:, 1:] -= shared
    return _divide(total, old_height * old_width, plane.dtype)


def _find_edges(old: int, new: int) -> tuple[list[int], NDArray[np.intp]]:
    """Say where the edges of the new pixels fall among the old ones.

    Returns:
        The old pixel in which each of the `new + 1` edges lies, and for the edges between new
        pixels how much of that old pixel lies before the edge, in 1 / `new`.
    """
    edges = np.arange(new + 1) * old
    return (edges // new).tolist(), (edges % new)[1:-1]


def _sum_dtype(plane: NDArray[Any], count: int) -> type[np.uint32 | np.int64]:
    """Return the narrowest type in which `count` of the plane's values can be summed."""
    if plane.dtype == np.int32 or (np.iinfo(plane.dtype).max + 1) * count >= _UINT32_END:
        return np.int64
    return np.uint32


def _divide(total: NDArray[Any], count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Divide sums by their count, halves rounded up."""
    total += total.dtype.type(count // 2)
    total //= total.dtype.type(count)
    mean: NDArray[Any] = total.astype(dtype)
    return mean
