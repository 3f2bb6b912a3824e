"""Streamed views of an activation: they see one array at a time and keep a fixed amount.

The bins of a histogram are cut out of the bits of float32 itself: a bin is a sign, an exponent
and the leading bits of the fraction. So no range has to be known before (one pass is enough), a
value finds its bin by a shift, and a range that grows drops its finest octaves into the bin
beside zero: counting is exact, and neither the order of the values nor where a stream is cut and
joined again changes any count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Histogram", "OctaveHistogram", "finite_extremes"]

_FRACTION_BITS = 7
_SHIFT = np.int32(23 - _FRACTION_BITS)
_PER_OCTAVE = 1 << _FRACTION_BITS
_OCTAVES = 20
_MAGNITUDES = np.int32((1 << (8 + _FRACTION_BITS)) - 1)
_CHUNK = 1 << 16  # small enough that what is computed between stays in a processor's cache

BINS = _OCTAVES * _PER_OCTAVE + 1
"""Bins of each sign: 20 octaves below the largest value seen, and one for all that is smaller."""


class Histogram:
    """Counts of values between edges, exact zeros apart.

    Attributes:
        edges: (bins + 1,) float64, rising; the range holds 0.
        counts: (bins,) int64, without the exact zeros.
        zeros: how many values were exactly 0.
    """

    __slots__ = ("counts", "edges", "zeros")

    def __init__(self, edges: NDArray[np.float64], counts: NDArray[np.int64], zeros: int) -> None:
        self.edges = edges
        self.counts = counts
        self.zeros = zeros

    @property
    def total(self) -> int:
        """How many values were counted, zeros among them."""
        return int(self.counts.sum()) + self.zeros

    @property
    def variance(self) -> float:
        """Variance of the values, each taken at the middle of its bin; 0 of none."""
        if self.total == 0:
            return 0.0
        middles = (self.edges[1:] + self.edges[:-1]) / 2.0
        mean = float(np.sum(self.counts * middles)) / self.total
        square = float(np.sum(self.counts * np.square(middles))) / self.total
        return max(0.0, square - mean * mean)


def finite_extremes(values: NDArray[Any]) -> tuple[float, float]:
    """Smallest and largest value of an array of any shape.

    Raises:
        ValueError: it is empty or holds NaN or infinity.
    """
    low, high = float(np.min(values)), float(np.max(values))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"values from {low} to {high}; all must be finite")
    return low, high


class OctaveHistogram:
    """Counts of float32 values in bins of 1/128 of an octave.

    Attributes:
        top: biased exponent (20..254) of the uppermost octave that has bins.
        positive: (`BINS`,) int64; bin 0 holds what lies below the lowest octave, zeros included.
        negative: the same of magnitudes of negative values.
        zeros: how many values were exactly 0.
    """

    __slots__ = ("negative", "positive", "top", "zeros")

    def __init__(self) -> None:
        self.top = _OCTAVES
        self.positive = np.zeros(BINS, dtype=np.int64)
        self.negative = np.zeros(BINS, dtype=np.int64)
        self.zeros = 0

    def update(self, values: NDArray[np.float32], *, low: float, high: float) -> None:
        """See values.

        Args:
            values: (count,), contiguous or strided.
            low: at most the smallest of them.
            high: at least the largest of them.
        """
        self.grow(_exponent(max(-low, high, 0.0)))
        for start in range(0, len(values), _CHUNK):
            # Adding 0 copies, and makes 0.0 of -0.0, whose sign would count.
            chunk = np.add(values[start : start + _CHUNK], np.float32(0.0), dtype=np.float32)
            self.zeros += chunk.size - int(np.count_nonzero(chunk))
            bins = chunk.view(np.int32) >> _SHIFT
            if low < 0:
                signs = bins >> np.int32(31)
                bins &= _MAGNITUDES
            bins -= np.int32(self._below)
            np.maximum(bins, 0, out=bins)
            if low < 0:
                bins += signs & np.int32(BINS)
            counts = np.bincount(bins, minlength=2 * BINS)
            self.positive += counts[:BINS]
            self.negative += counts[BINS:]

    def merge(self, other: OctaveHistogram, *, weight: int = 1) -> None:
        """Count what another has seen too, each value `weight` times."""
        self.grow(other.top)
        shift = (self.top - other.top) * _PER_OCTAVE
        self.positive += weight * _dropped(other.positive, shift)
        self.negative += weight * _dropped(other.negative, shift)
        self.zeros += weight * other.zeros

    def grow(self, top: int) -> None:
        """Make room for an octave; the octaves that fall out at the bottom join bin 0."""
        if top > self.top:
            shift = (top - self.top) * _PER_OCTAVE
            self.positive = _dropped(self.positive, shift)
            self.negative = _dropped(self.negative, shift)
            self.top = top

    @property
    def _below(self) -> int:
        return (self.top - _OCTAVES + 1) * _PER_OCTAVE - 1

    def view(self, low: float, high: float) -> Histogram:
        """What was seen so far, between edges that end at the extremes.

        Args:
            low: at most the smallest value seen, and 0.
            high: at least the largest value seen, and 0.
        """
        self.grow(_exponent(max(-low, high, 0.0)))
        codes = np.arange(self._below + 1, self._below + 1 + BINS, dtype=np.int64)
        magnitudes = (codes << int(_SHIFT)).astype(np.int32).view(np.float32)
        edges = np.concatenate(([0.0], magnitudes.astype(np.float64)))
        positive = self.positive.copy()
        positive[0] -= self.zeros
        right_edges, right = _ended(edges, positive, high)
        left_edges, left = _ended(edges, self.negative, -low)
        return Histogram(
            np.concatenate((-left_edges[:0:-1], right_edges)),
            np.concatenate((left[::-1], right)),
            self.zeros,
        )


def _exponent(magnitude: float) -> int:
    return int(np.float32(magnitude).view(np.int32) >> np.int32(23))


def _dropped(counts: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    if shift == 0:
        return counts
    moved = np.zeros_like(counts)
    kept = max(0, BINS - 1 - shift)
    moved[1 : 1 + kept] = counts[BINS - kept :]
    moved[0] = counts[: BINS - kept].sum()
    return moved


def _ended(
    edges: NDArray[np.float64], counts: NDArray[np.int64], end: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Bins of one sign, from 0 to the largest magnitude; the last of them holds the rest."""
    if end <= 0:
        return np.zeros(1), np.zeros(0, dtype=np.int64)
    # A value that is itself an edge would make a bin without width: it joins the one below.
    last = max(1, int(np.searchsorted(edges, end, side="left")))
    inside = counts[:last].copy()
    inside[-1] += counts[last:].sum()
    return np.append(edges[:last], end), inside
