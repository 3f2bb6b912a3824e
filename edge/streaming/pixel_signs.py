"""Signs in the pixels of one frame that it is no picture. Arithmetic on arrays, nothing else."""

from __future__ import annotations

import math

import numpy as np

from edge.frame import Pixels

__all__ = ["count_filled_rows", "find_share_above", "take_sample"]

_SAMPLED_POSITIONS = 1 << 16
_FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
_GREY = 128
_LEAST_GREEN, _MOST_GREEN = 130, 160


def take_sample(pixels: Pixels) -> Pixels:
    """Every n-th pixel of every n-th row: some 16 000 to 65 000 positions of a large picture.

    Args:
        pixels: (height, width, channels).

    Returns:
        (rows, columns, channels), C-contiguous, of the same dtype; a picture of no more
        positions than that whole.
    """
    height, width = pixels.shape[:2]
    step = max(1, math.ceil(math.sqrt(height * width / _SAMPLED_POSITIONS)))
    return np.ascontiguousarray(pixels[::step, ::step])


def find_share_above(pixels: Pixels, level: float) -> tuple[float, float]:
    """How much of a picture is brighter than a level.

    Args:
        pixels: (rows, columns, channels), uint8, uint16 or float32.
        level: in 0..255, whatever the dtype.

    Returns:
        The share, in 0..1, of positions with any channel above the level, and of positions with
        all of them above it.
    """
    limit = level / 255 * _FULL_SCALE[pixels.dtype.name]
    any_above = all_above = pixels[:, :, 0] > limit
    for channel in range(1, pixels.shape[2]):
        above = pixels[:, :, channel] > limit
        any_above, all_above = any_above | above, all_above & above
    positions = any_above.size
    return np.count_nonzero(any_above) / positions, np.count_nonzero(all_above) / positions


def count_filled_rows(pixels: Pixels) -> int:
    """How many rows at the bottom hold nothing but what a decoder puts where no data came.

    That is middle grey, which libjpeg gives for the blocks that a cut JPEG lacks, or the green
    that YUV of all zeros becomes, where a driver hands out a buffer that was not filled. Black
    rows are not counted: too many true pictures end in them.

    Args:
        pixels: (height, width, channels), uint8; any other dtype counts 0.
    """
    if pixels.dtype != np.uint8 or not _is_fill(pixels[-1, 0]):
        return 0
    # From the bottom in growing steps, so that a whole picture costs a row or two.
    height, count, step = pixels.shape[0], 0, 1
    while count < height:
        rows = pixels[max(0, height - count - step) : height - count]
        is_filled = (rows == pixels[-1, 0]).all(axis=(1, 2))[::-1]
        if not is_filled.all():
            return count + int(np.argmin(is_filled))
        count, step = count + len(rows), step * 2
    return count


def _is_fill(pixel: Pixels) -> bool:
    levels = pixel.tolist()
    if all(level == _GREY for level in levels):
        return True
    return len(levels) > 1 and (
        levels[0] == levels[2] == 0 and _LEAST_GREEN <= levels[1] <= _MOST_GREEN
    )
