"""The range whose 8-bit distribution tells least apart from the real one.

Migacz 2017, "8-bit Inference with TensorRT" (GTC): of all thresholds the one with the least
Kullback-Leibler divergence between the clipped distribution and its quantized form. Theirs is one
threshold of magnitudes, for 128 signed levels. Here both ends are searched in turn for the 256
levels of an asymmetric range, and exact zeros are left out: 0 is always a level of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantize.observers import Histogram

__all__ = ["divergence", "least_divergence_range"]

_BINS = 2048
_LEVELS = 256
_CANDIDATES = 64
_SWEEPS = 2
_NARROWEST = 1.0 / 16.0  # of the full range at each end; below it a range is never chosen
_LEAST_BINS = 2 * _LEVELS
_ABSENT = 1e-4  # of the mass, where the quantized form has nothing and the real one has something


def least_divergence_range(histogram: Histogram) -> tuple[float, float]:
    """Search both ends in turn.

    Args:
        histogram: the values.

    Returns:
        (low, high) with low <= 0 <= high; of equals the widest.
    """
    bottom, top = float(histogram.edges[0]), float(histogram.edges[-1])
    if not histogram.counts.any():
        return bottom, top
    edges, counts = _even_bins(histogram)
    zero = int(np.argmin(np.abs(edges)))
    first, last = 0, _BINS
    for _ in range(_SWEEPS):
        last = _best(counts, [(first, end) for end in _ends(zero, _BINS)], last, at=1)
        first = _best(counts, [(end, last) for end in _ends(zero, 0)], first, at=0)
    return min(float(edges[first]), 0.0), max(float(edges[last]), 0.0)


def divergence(counts: NDArray[np.float64], first: int, last: int) -> float:
    """Kullback-Leibler divergence of a clipped distribution from its quantized form, in nats.

    Args:
        counts: (bins,), of equal widths.
        first: lowest bin inside the range.
        last: one past the highest bin inside.
    """
    inside = counts[first:last]
    clipped = inside.copy()
    clipped[0] += counts[:first].sum()
    clipped[-1] += counts[last:].sum()
    starts = np.arange(_LEVELS) * len(inside) // _LEVELS
    filled = inside > 0
    sums = np.add.reduceat(inside, starts)
    shares = np.maximum(np.add.reduceat(filled.astype(np.float64), starts), 1.0)
    level = np.repeat(np.arange(_LEVELS), np.diff(np.append(starts, len(inside))))
    quantized = np.where(filled, (sums / shares)[level], 0.0)
    total, kept = clipped.sum(), quantized.sum()
    if kept <= 0:
        return float(np.inf)
    real = clipped[clipped > 0] / total
    other = np.maximum(quantized[clipped > 0] / kept, _ABSENT / _LEVELS)
    return float(np.sum(real * np.log(real / other)))


def _even_bins(histogram: Histogram) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    edges = np.linspace(histogram.edges[0], histogram.edges[-1], _BINS + 1)
    below = np.concatenate(([0], np.cumsum(histogram.counts)))
    return edges, np.diff(np.interp(edges, histogram.edges, below.astype(np.float64)))


def _ends(zero: int, end: int) -> list[int]:
    if zero == end:
        return [end]
    found = zero + (end - zero) * np.linspace(1.0, _NARROWEST, _CANDIDATES)
    return list(dict.fromkeys(int(each) for each in np.rint(found)))


def _best(
    counts: NDArray[np.float64], ranges: list[tuple[int, int]], present: int, *, at: int
) -> int:
    allowed = [each for each in ranges if each[1] - each[0] >= _LEAST_BINS]
    if not allowed:
        return present
    scores = [divergence(counts, *each) for each in allowed]
    return allowed[int(np.argmin(scores))][at]
