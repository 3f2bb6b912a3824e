"""Room for answers that are surer than any that calibration saw.

What lies beyond the range of an output is cut off, so that the surest answers all tie. The
greatest of a few examples is soon exceeded: of values with normal tails the expected greatest of
n lies about sqrt(2 ln n) deviations above the mean (Fisher and Tippett 1928; Gumbel 1958,
"Statistics of Extremes", section 4.2). So what was seen is stretched from the examples' mean
extreme to where the greatest of a thousand examples is expected.
"""

from __future__ import annotations

import math

from quantize.observers import Histogram

__all__ = ["range_with_headroom"]

_EXAMPLES = 1000
_MOST = 1.25  # of what was seen: one wild example must not make every step coarse


def range_with_headroom(
    histogram: Histogram, average_low: float, average_high: float, *, examples: int
) -> tuple[float, float]:
    """Stretch the range of an output.

    Args:
        histogram: the values.
        average_low: mean of the examples' smallest values.
        average_high: mean of their largest.
        examples: how many were seen.

    Returns:
        (low, high), each at least what was seen and at most 1.25 times that; nothing is
        stretched after a thousand examples.
    """
    low, high = float(histogram.edges[0]), float(histogram.edges[-1])
    factor = math.sqrt(max(1.0, math.log(_EXAMPLES) / math.log(max(2, examples))))
    return (
        max(_MOST * low, min(low, average_low + factor * (low - average_low))),
        min(_MOST * high, max(high, average_high + factor * (high - average_high))),
    )
