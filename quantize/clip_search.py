"""The range of an activation that loses least, by the expected power of its error.

A narrower range has finer steps but clips; the best is where the two errors balance (Nagel et
al. 2021, "A White Paper on Neural Network Quantization", section 3.1, MSE; the same criterion as
OMSE in Choukroun et al. 2019). Powers above 2 weigh clipping more than rounding (Nahshan et al.
2021, "Loss Aware Post-training Quantization", Machine Learning 110). The expected error is
integrated exactly over a density that is constant within each bin of the histogram, so it is
smooth in the range searched for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantize.observers import Histogram
from quantize.quantized_graph import ActivationParams
from quantize.uniform import activation_params

__all__ = ["expected_error", "search_range", "squared_error"]

_LEVELS = 255
_FRACTIONS = np.geomspace(1.0, 0.02, 14)
_RATIO = float(_FRACTIONS[1] / _FRACTIONS[0])
_REFINEMENTS = 3
_CELLS = 4096


def squared_error(histogram: Histogram, params: ActivationParams) -> float:
    """Sum over all values of the expected squared quantization error.

    Args:
        histogram: the values.
        params: uint8 parameters.
    """
    return expected_error(histogram, params, power=2.0)


def expected_error(histogram: Histogram, params: ActivationParams, *, power: float) -> float:
    """Sum over all values of the expected quantization error to a power.

    Args:
        histogram: the values.
        params: uint8 parameters.
        power: of the error's magnitude, at least 1.
    """
    if not histogram.counts.any():
        return 0.0
    # From the bins that hold something only: most of a histogram is empty.
    filled = np.flatnonzero(histogram.counts)
    starts, ends = histogram.edges[filled], histogram.edges[filled + 1]
    density = histogram.counts[filled] / (ends - starts)
    added = _integrated_error(ends, params, power) - _integrated_error(starts, params, power)
    return float(np.sum(density * added))


def _integrated_error(
    points: NDArray[np.float64], params: ActivationParams, power: float
) -> NDArray[np.float64]:
    """Integral from 0 to each point of |x - quantized(x)| ** power."""
    scale = params.scale
    low, high = -params.zero_point * scale, (_LEVELS - params.zero_point) * scale
    inside = np.clip(points, low, high) / scale
    nearest = np.rint(inside)
    whole_step = 2.0 * _primitive(np.array(0.5), power)
    rounding = nearest * whole_step + _primitive(inside - nearest, power)
    clipped = _primitive(points - np.clip(points, low, high), power)
    integrated: NDArray[np.float64] = scale ** (power + 1.0) * rounding + clipped
    return integrated


def _primitive(values: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Integral from 0 to each value of |x| ** power."""
    # Squares are quick in numpy; other powers are not.
    found: NDArray[np.float64] = np.abs(values) ** power * values / (power + 1.0)
    return found


def search_range(histogram: Histogram, *, power: float = 2.0) -> tuple[float, float]:
    """Find the range with the least expected error.

    Both ends are searched together on a grid of fractions of the full range, then refined around
    the best. Of equals the widest wins.

    Args:
        histogram: the values.
        power: of the error that is summed; 2 for the least mean squared error.

    Returns:
        (low, high) with low <= 0 <= high, inside the histogram's range.
    """
    bottom, top = float(histogram.edges[0]), float(histogram.edges[-1])
    if not histogram.counts.any():
        return bottom, top
    one = np.ones(1)
    coarse = _coarse(histogram)
    best = _best_of(
        coarse, _FRACTIONS if bottom < 0 else one, _FRACTIONS if top > 0 else one, power
    )
    for halving in range(_REFINEMENTS):
        around = _RATIO ** (np.linspace(-1.0, 1.0, 5) / 2.0**halving)
        best = _best_of(
            coarse,
            np.minimum(best[0] * around, 1.0) if bottom < 0 else one,
            np.minimum(best[1] * around, 1.0) if top > 0 else one,
            power,
        )
    found = best[0] * bottom, best[1] * top
    errors = [
        expected_error(histogram, activation_params(*each), power=power)
        for each in (found, (bottom, top))
    ]
    return found if errors[0] < errors[1] else (bottom, top)


def _coarse(histogram: Histogram) -> Histogram:
    """The histogram without bins that are much finer than the finest step searched for."""
    edges = histogram.edges
    cells = np.floor(edges * (_CELLS / (edges[-1] - edges[0])))
    # The first edge of each cell stays, and the last of all.
    kept = np.flatnonzero(np.append(True, np.diff(cells) > 0))
    if kept[-1] == len(edges) - 1:
        kept = kept[:-1]
    counts = np.add.reduceat(histogram.counts, kept)
    return Histogram(np.append(edges[kept], edges[-1]), counts, histogram.zeros)


def _best_of(
    histogram: Histogram, lows: NDArray[np.float64], highs: NDArray[np.float64], power: float
) -> tuple[float, float]:
    bottom, top = float(histogram.edges[0]), float(histogram.edges[-1])
    best, least = (float(lows[0]), float(highs[0])), np.inf
    for low in lows:
        for high in highs:
            params = activation_params(low * bottom, high * top)
            error = expected_error(histogram, params, power=power)
            if error < least:
                best, least = (float(low), float(high)), error
    return best
