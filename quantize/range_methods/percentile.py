"""The range that all but a stated share of the values lie in.

Wu et al. 2020, "Integer Quantization for Deep Learning Inference: Principles and Empirical
Evaluation", arXiv:2004.09602, section 3.3, there of magnitudes; McKinstry et al. 2018,
arXiv:1809.04191. The share that is left out is taken equally from both ends, so that an
asymmetric range stays asymmetric.
"""

from __future__ import annotations

import numpy as np

from quantize.observers import Histogram

__all__ = ["percentile_range"]

_WHOLE = 100.0


def percentile_range(histogram: Histogram, *, percentile: float) -> tuple[float, float]:
    """Leave out the outermost values.

    Args:
        histogram: the values; zeros count too.
        percentile: how much of them stays inside, over 0 up to 100.

    Returns:
        (low, high) with low <= 0 <= high; the full range where nothing else would be left.
    """
    bottom, top = float(histogram.edges[0]), float(histogram.edges[-1])
    total = histogram.total
    if total == 0:
        return bottom, top
    outside = total * (1.0 - percentile / _WHOLE) / 2.0
    below = np.concatenate(([0], np.cumsum(histogram.counts)))
    above = below[-1] - below
    # The narrowest edges that leave out no more than the share: many values may be the same.
    low = float(histogram.edges[(histogram.edges <= 0) & (below <= outside)].max())
    high = float(histogram.edges[(histogram.edges >= 0) & (above <= outside)].min())
    return (low, high) if low < high else (bottom, top)
