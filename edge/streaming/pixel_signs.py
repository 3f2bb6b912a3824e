"""Signs in the pixels of one frame that it is no picture. Arithmetic on arrays, nothing else."""

from __future__ import annotations

import numpy as np

from edge.frame import Pixels

__all__ = ["count_filled_rows", "find_share_within", "take_rows"]

_FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
_GREY = 128
_LEAST_GREEN, _MOST_GREEN = 130, 160


def take_rows(pixels: Pixels, count: int) -> Pixels:
    """Some rows of a picture, evenly spread: a look at 64 rows costs a tenth of one at 720.

    Args:
        pixels: (height, width, channels).
        count: how many rows, at least; a picture of fewer is taken whole.

    Returns:
        A view, (rows, width, channels); fewer than twice as many rows as asked for.
    """
    return pixels[:: max(1, pixels.shape[0] // count)]


def find_share_within(pixels: Pixels, low: float, high: float) -> float:
    """How much of a picture lies between two levels in every channel.

    Args:
        pixels: (rows, columns, channels), uint8, uint16 or float32.
        low: in 0..255 whatever the dtype, counted in.
        high: likewise.

    Returns:
        The share of positions, in 0..1.
    """
    import cv2

    scale = _FULL_SCALE[pixels.dtype.name] / 255
    rows = np.ascontiguousarray(pixels)
    # OpenCV reads a plain number as the level of the first channel only.
    mask = cv2.inRange(rows, (low * scale,) * 4, (high * scale,) * 4)
    return float(cv2.countNonZero(mask) / mask.size)


def count_filled_rows(pixels: Pixels) -> int:
    """How many rows at the bottom hold nothing but what a decoder puts where no data came.

    That is middle grey, which libjpeg gives for the blocks that a cut JPEG lacks, or the green
    that YUV of all zeros becomes, where a driver hands out a buffer that was not filled. Black
    rows are not counted: too many true pictures end in them.

    Args:
        pixels: (height, width, channels), uint8; any other dtype counts 0.
    """
    if pixels.dtype != np.uint8 or not _is_fill(pixels[-1, 0].tolist()):
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


def _is_fill(levels: list[int]) -> bool:
    if all(level == _GREY for level in levels):
        return True
    is_colour = len(levels) > 1
    return is_colour and levels[0] == levels[2] == 0 and _LEAST_GREEN <= levels[1] <= _MOST_GREEN
