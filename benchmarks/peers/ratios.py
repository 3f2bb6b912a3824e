"""Ratios of paired measurements, and slopes, with intervals. Arithmetic only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

__all__ = ["Ratio", "Slope", "ratio_of_pairs", "sen_slope"]

_RESAMPLES = 10_000
_TAIL = 0.025
_NORMAL_97_5 = 1.959964


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as much ours takes as theirs.

    Attributes:
        pairs: how many measurements were held against each other.
        least: the smallest ratio of a pair.
        median: of the pairs' ratios.
        most: the largest.
        low: lower end of the median's 95 % interval.
        high: upper end of it.
    """

    pairs: int
    least: float
    median: float
    most: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Slope:
    """Change of a value by step, with its 95 % interval."""

    value: float
    low: float
    high: float


def ratio_of_pairs(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 1) -> Ratio:
    """Hold measurements that were taken side by side against each other.

    The interval is the percentile bootstrap over pairs (Efron and Tibshirani, "An Introduction
    to the Bootstrap", 1993, chapter 13), with a fixed seed, so that a record gives the same
    figures again.

    Args:
        ours: one positive measurement a pair.
        theirs: the same of the other, in the same order.
        seed: of the resampling.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    if len(ours) != len(theirs) or not ours:
        raise ValueError(f"{len(ours)} and {len(theirs)} measurements do not make pairs")
    ratios = np.asarray(ours, dtype=np.float64) / np.asarray(theirs, dtype=np.float64)
    drawn = np.random.default_rng(seed).integers(ratios.size, size=(_RESAMPLES, ratios.size))
    medians = np.median(ratios[drawn], axis=1)
    low, high = np.quantile(medians, [_TAIL, 1.0 - _TAIL])
    return Ratio(
        pairs=len(ours),
        least=float(ratios.min()),
        median=float(np.median(ratios)),
        most=float(ratios.max()),
        low=float(low),
        high=float(high),
    )


def sen_slope(values: Sequence[float]) -> Slope:
    """Estimate the slope of equally spaced values: the median of all pairwise slopes.

    It needs no normal errors and is not moved by single jumps (Sen 1968, "Estimates of the
    Regression Coefficient Based on Kendall's Tau", JASA 63, with its interval).

    Args:
        values: at least four, in their order.

    Raises:
        ValueError: there are fewer.
    """
    count = len(values)
    if count < 4:  # noqa: PLR2004 - fewer have no interval
        raise ValueError(f"{count} values have no slope with an interval; give at least 4")
    slopes = sorted((values[j] - values[i]) / (j - i) for i, j in combinations(range(count), 2))
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    reach = _NORMAL_97_5 * deviation
    low = math.floor((len(slopes) - reach) / 2)
    high = math.ceil((len(slopes) + reach) / 2)
    return Slope(
        value=float(np.median(slopes)),
        low=slopes[max(0, low - 1)],
        high=slopes[min(len(slopes) - 1, high)],
    )
