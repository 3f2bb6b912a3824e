"""Intervals of quantiles and of their ratios, by resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "bootstrap_quantile", "ratio_of_quantiles"]

_RESAMPLES = 10_000
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap_quantile(
    samples: NDArray[Any], quantile: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Quantiles of resamples with replacement (Efron 1979, "Bootstrap Methods").

    Nothing is resampled: the k-th smallest of n draws from n sorted values is the value at
    floor(n * U), where U is the k-th smallest of n uniform numbers and so has the distribution
    Beta(k, n - k + 1) (David and Nagaraja, "Order Statistics", 3rd ed. 2003, section 2.1). That
    is the same distribution as resampling gives, for a million samples too.

    Args:
        samples: shape (n,), at least one, any order.
        quantile: strictly between 0 and 1.
        generator: of random numbers.

    Returns:
        float64 of shape (10 000,).
    """
    ordered = np.sort(samples).astype(np.float64)
    count = ordered.size
    rank = max(1, math.ceil(quantile * count))
    uniform = generator.beta(rank, count - rank + 1, size=_RESAMPLES)
    drawn: NDArray[np.float64] = ordered[np.minimum((uniform * count).astype(np.int64), count - 1)]
    return drawn


def ratio_of_quantiles(
    first: NDArray[Any], second: NDArray[Any], quantile: float = 0.5, *, seed: int = 1
) -> Interval:
    """How many times the second's quantile is the first's, with a percentile bootstrap interval.

    The samples must be independent within and between the series: a change that comes from one
    run being warmer than the other is not in the interval.

    Args:
        first: positive samples, shape (n,), at least one.
        second: the same, shape (m,).
        quantile: strictly between 0 and 1; 0.5 for the ratio of medians.
        seed: of the resampling; the same samples and seed give the same interval.

    Raises:
        ValueError: a series is empty.
    """
    if not first.size or not second.size:
        raise ValueError(f"{first.size} and {second.size} samples have no ratio; give some")
    generator = np.random.default_rng(seed)
    ratios = bootstrap_quantile(second, quantile, generator) / bootstrap_quantile(
        first, quantile, generator
    )
    low, high = np.quantile(ratios, [_TAIL, 1.0 - _TAIL])
    return Interval(
        value=_sample_quantile(second, quantile) / _sample_quantile(first, quantile),
        low=float(low),
        high=float(high),
    )


def _sample_quantile(samples: NDArray[Any], quantile: float) -> float:
    rank = max(1, math.ceil(quantile * samples.size))
    return float(np.partition(samples, rank - 1)[rank - 1])
