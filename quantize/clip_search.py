"""The range of an activation that loses least, by mean squared error.

A narrower range has finer steps but clips; the best is where the two errors balance (Nagel et
al. 2021, "A White Paper on Neural Network Quantization", section 3.1, MSE; the same criterion as
OMSE in Choukroun et al. 2019). The expected error is integrated exactly over a density that is
constant within each bin of the histogram, so it is smooth in the range searched for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantize.observers import Histogram
from quantize.quantized_graph import ActivationParams
from quantize.uniform import activation_params

__all__ = ["search_range", "squared_error"]

_LEVELS = 255
_FRACTIONS = np.geomspace(1.0, 0.02, 14)
_RATIO = float(_FRACTIONS[1] / _FRACTIONS[0])
_REFINEMENTS = 3


def squared_error(histogram: Histogram, params: ActivationParams) -> float:
    """Sum over all values of the expected squared quantization error.

    Args:
        histogram: the values.
        params: uint8 parameters.
    """
    scale = params.scale
    low, high = -params.zero_point * scale, (_LEVELS - params.zero_point) * scale
    total = _integrated_error(histogram.edges, scale=scale, low=low, high=high)
    widths = np.diff(histogram.edges)
    return float(np.sum(histogram.counts * np.diff(total) / widths))


def _integrated_error(
    points: NDArray[np.float64], *, scale: float, low: float, high: float
) -> NDArray[np.float64]:
    """Integral from 0 to each point of (x - quantized(x)) ** 2."""
    inside = np.clip(points, low, high) / scale
    nearest = np.rint(inside)
    rounding = scale**3 * (nearest / 12.0 + (inside - nearest) ** 3 / 3.0)
    above = np.maximum(points - high, 0.0) ** 3 / 3.0
    below = np.minimum(points - low, 0.0) ** 3 / 3.0
    clipped: NDArray[np.float64] = rounding + above + below
    return clipped


def search_range(histogram: Histogram) -> tuple[float, float]:
    """Find the range with the least expected squared error.

    Both ends are searched together on a grid of fractions of the full range, then refined around
    the best. Of equals the widest wins.

    Returns:
        (low, high) with low <= 0 <= high, inside the histogram's range.
    """
    bottom, top = float(histogram.edges[0]), float(histogram.edges[-1])
    if not histogram.counts.any():
        return bottom, top
    one = np.ones(1)
    best = _best_of(histogram, _FRACTIONS if bottom < 0 else one, _FRACTIONS if top > 0 else one)
    for halving in range(_REFINEMENTS):
        around = _RATIO ** (np.linspace(-1.0, 1.0, 5) / 2.0**halving)
        best = _best_of(
            histogram,
            np.minimum(best[0] * around, 1.0) if bottom < 0 else one,
            np.minimum(best[1] * around, 1.0) if top > 0 else one,
        )
    return best[0] * bottom, best[1] * top


def _best_of(
    histogram: Histogram, lows: NDArray[np.float64], highs: NDArray[np.float64]
) -> tuple[float, float]:
    bottom, top = float(histogram.edges[0]), float(histogram.edges[-1])
    best, least = (float(lows[0]), float(highs[0])), np.inf
    for low in lows:
        for high in highs:
            error = squared_error(histogram, activation_params(low * bottom, high * top))
            if error < least:
                best, least = (float(low), float(high)), error
    return best
