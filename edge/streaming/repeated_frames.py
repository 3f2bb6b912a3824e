"""How long a source has been giving the very same picture."""

from __future__ import annotations

import numpy as np

from edge.frame import Pixels

__all__ = ["RepeatWatch", "is_same_picture"]

_SAMPLE_ROWS = 16
_BAND_ROWS = 64


def is_same_picture(one: Pixels, other: Pixels) -> bool:
    """Whether two pictures are the same bit for bit.

    Sixteen rows are looked at first: of two frames from a sensor, noise makes them differ, and
    the rest is read only where they do not.
    """
    if one is other:
        return True
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    step = max(1, one.shape[0] // _SAMPLE_ROWS)
    if not np.array_equal(one[::step], other[::step]):
        return False
    bands = range(0, one.shape[0], _BAND_ROWS)
    return all(
        np.array_equal(one[at : at + _BAND_ROWS], other[at : at + _BAND_ROWS]) for at in bands
    )


class RepeatWatch:
    """Remembers the last picture, and when it was first seen."""

    def __init__(self) -> None:
        self._pixels: Pixels | None = None
        self._since_ns = 0

    def find_unchanged_ns(self, pixels: Pixels, at_ns: int) -> int:
        """How long, in nanoseconds, the picture has been the same as now.

        Args:
            pixels: of the frame; kept, and not to be written to.
            at_ns: time.monotonic_ns() when it was captured.

        Returns:
            0 for a picture that differs from the one before.
        """
        if self._pixels is None or not is_same_picture(self._pixels, pixels):
            self._pixels, self._since_ns = pixels, at_ns
        return at_ns - self._since_ns
