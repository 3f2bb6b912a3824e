"""How fast a series grows, whatever its noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.bootstrap import Interval

__all__ = ["theil_sen"]

_NORMAL_95 = 1.959963984540054
_MOST_POINTS = 300


def theil_sen(times: NDArray[Any], values: NDArray[Any]) -> Interval:
    """Slope of a series with its 95 % interval: the median of the slopes of all pairs.

    Sen 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau", Journal of the
    American Statistical Association 63: neither a jump nor single readings move it, and the
    interval asks for no distribution. It takes the values as independent around the line; where
    there are more than 300, stretches of them are replaced by their medians, which also brings
    them nearer to that.

    Args:
        times: rising, shape (n,), at least two.
        values: shape (n,).

    Returns:
        Units of `values` a unit of `times`.

    Raises:
        ValueError: there are fewer than two values.
    """
    if times.size < 2:  # noqa: PLR2004 - a slope takes two
        raise ValueError(f"{times.size} values have no slope; give at least two")
    times, values = _condensed(times), _condensed(values)
    count = times.size
    first, second = np.triu_indices(count, k=1)
    slopes = np.sort((values[second] - values[first]) / (times[second] - times[first]))
    spread = _NORMAL_95 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18.0)
    low = max(0, round((slopes.size - spread) / 2.0) - 1)
    high = min(slopes.size - 1, round((slopes.size + spread) / 2.0))
    return Interval(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))


def _condensed(series: NDArray[Any]) -> NDArray[np.float64]:
    parts = np.array_split(series.astype(np.float64), min(_MOST_POINTS, series.size))
    return np.array([np.median(part) for part in parts])
