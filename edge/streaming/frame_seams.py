"""Frames whose lower part is left over from an earlier one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from edge.frame import Pixels

__all__ = ["SeamWatch"]

_REMEMBERED = 8  # drivers and decoders fill four buffers in turn, few more than eight
_TAIL_SHARE = 16
_TAIL_STEP = 4
_HEAD_SHARES = (0, 8, 4, 3)  # rows at none, an eighth, a quarter and a third of the height
_LEAST_TEXTURE = 0.1


@dataclass(frozen=True, slots=True)
class _Ends:
    """Some rows of the upper part of a picture, and of its last sixteenth with the last row."""

    head: Pixels
    tail: Pixels

    @property
    def is_textured(self) -> bool:
        """Whether the last row is no clipped area, which repeats in true pictures."""
        row = self.tail[-1]
        return bool(np.count_nonzero(row[1:] != row[:-1]) >= _LEAST_TEXTURE * row.size)

    def ends_like(self, other: _Ends) -> bool:
        # Row by row from the end: where there is noise, the last row settles it.
        return np.array_equal(self.tail[-1], other.tail[-1]) and np.array_equal(
            self.tail, other.tail
        )


class SeamWatch:
    """Finds frames that end in the rows of one of the eight before, and begin in others.

    A sensor's noise never repeats, so such a frame is made of two: a buffer that was filled in
    part, or a decoder that filled up what it did not get. Pictures without noise (a screen, a
    test pattern, a strongly compressed scene at rest) do repeat rows; so nothing is said of a
    source before it has shown noise in its last rows for some time without one repetition.

    Args:
        frames: how many frames in a row must have shown noise.
    """

    def __init__(self, frames: float) -> None:
        self._needed = frames
        self._noisy = 0
        self._earlier: deque[_Ends] = deque(maxlen=_REMEMBERED)

    def has_seam(self, pixels: Pixels) -> bool:
        """Look at the next frame; one with a seam is not remembered.

        Args:
            pixels: (height, width, channels).
        """
        ends = _find_ends(pixels)
        alike = [each for each in self._earlier if ends.ends_like(each)]
        if any(np.array_equal(ends.head, each.head) for each in alike):
            return False  # a picture that came before, whole
        if alike and ends.is_textured:
            if self._noisy >= self._needed:
                return True
            self._noisy = 0
        elif ends.is_textured:
            self._noisy += 1
        self._earlier.append(ends)
        return False


def _find_ends(pixels: Pixels) -> _Ends:
    height = pixels.shape[0]
    rows = [height // share if share else 0 for share in _HEAD_SHARES]
    # Copies: a view would keep the whole frame.
    tail_rows = max(1, height // _TAIL_SHARE)
    return _Ends(pixels[rows], pixels[::-1][:tail_rows:_TAIL_STEP][::-1].copy())
