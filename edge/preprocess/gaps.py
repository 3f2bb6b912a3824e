"""Gaps in measurements over time: the arithmetic alone."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["GapRule", "fill_gaps"]

GapRule = Literal["none", "forward_fill", "mean"]


def fill_gaps(
    series: NDArray[np.float64], rule: GapRule, fill: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fill gaps (NaN) of each channel.

    Args:
        series: (time, channels); left as it is.
        rule: "none" fills nothing; "forward_fill" takes the channel's last value, and `fill`
            where there is none yet; "mean" takes `fill`.
        fill: (channels,); NaN where a channel has none.

    Returns:
        (time, channels); what could not be filled is still NaN.
    """
    gaps = np.isnan(series)
    if rule == "none" or not gaps.any():
        return series
    if rule == "mean":
        return np.where(gaps, fill, series)
    times = np.arange(len(series))[:, np.newaxis]
    last = np.maximum.accumulate(np.where(gaps, -1, times), axis=0)
    carried = np.take_along_axis(series, np.maximum(last, 0), axis=0)
    return np.where(last < 0, fill, carried)
