"""A moving average of each example's extremes: one wild example moves the range a little only.

The activation ranges of Jacob et al. 2018 ("Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR, section 3.1), there over training batches.
Theirs decays from the first batch on; here the first `1 / _LEAST_WEIGHT` examples are averaged
equally, because a calibration set is too short to forget its first example.
"""

from __future__ import annotations

from quantize.observers import Histogram

__all__ = ["averaged_range", "moved"]

_LEAST_WEIGHT = 0.01


def moved(average: float, value: float, *, count: int) -> float:
    """The average after one more value.

    Args:
        average: of the values before; anything where there are none.
        value: the next.
        count: how many values there are, this one among them; at least 1.
    """
    weight = max(1.0 / count, _LEAST_WEIGHT)
    return average + weight * (value - average)


def averaged_range(histogram: Histogram, low: float, high: float) -> tuple[float, float]:
    """The averages, widened to hold 0 and kept inside what was seen.

    Args:
        histogram: the values.
        low: average of the examples' smallest values.
        high: average of their largest.

    Returns:
        (low, high) with low <= 0 <= high; the full range where the averages leave nothing.
    """
    bottom, top = float(histogram.edges[0]), float(histogram.edges[-1])
    low, high = max(bottom, min(low, 0.0)), min(top, max(high, 0.0))
    return (low, high) if low < high else (bottom, top)
