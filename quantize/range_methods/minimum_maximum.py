"""Everything that was seen: no value clips, and one outlier makes all steps coarse.

The plainest calibration (Krishnamoorthi 2018, "Quantizing deep convolutional networks for
efficient inference: A whitepaper", arXiv:1806.08342, section 3.1).
"""

from __future__ import annotations

from quantize.observers import Histogram

__all__ = ["full_range"]


def full_range(histogram: Histogram) -> tuple[float, float]:
    """The exact extremes, widened to hold 0.

    Args:
        histogram: the values.

    Returns:
        (low, high) with low <= 0 <= high.
    """
    return float(histogram.edges[0]), float(histogram.edges[-1])
