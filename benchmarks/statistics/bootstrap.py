"""Intervals by resampling, where neighbouring samples resemble each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Interval", "block_bootstrap_quantile", "block_ratio_of_quantiles"]

_BLOCKS = 30
_MOST_WORK = 50_000_000
_MOST_RESAMPLES = 2000
_LEAST_RESAMPLES = 200
_TAIL = 0.025
# The smallest sample that at least this share does not exceed.
_QUANTILE: Final = "inverted_cdf"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def block_bootstrap_quantile(
    samples: NDArray[Any], quantile: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Quantiles of resamples made of whole stretches of the series.

    Carlstein 1986, "The Use of Subseries Values for Estimating the Variance of a General
    Statistic from a Stationary Sequence", Annals of Statistics 14: the series is cut into blocks
    that do not overlap, and blocks are drawn with replacement. What lasts for less than a block
    (a burst of another program, a wave of the clock) so widens the interval as it should; a draw
    of single samples would take each for news.

    Args:
        samples: in the order in which they were taken, shape (n,), at least one.
        quantile: strictly between 0 and 1.
        generator: of random numbers.

    Returns:
        float64; fewer resamples where there are very many samples.
    """
    count = samples.size
    blocks = min(_BLOCKS, count)
    order = np.argsort(samples, kind="stable")
    block_of = (order * blocks) // count
    ordered = samples[order].astype(np.float64)
    resamples = max(_LEAST_RESAMPLES, min(_MOST_RESAMPLES, _MOST_WORK // count))
    found = np.empty(resamples)
    for index in range(resamples):
        weights = np.bincount(generator.integers(blocks, size=blocks), minlength=blocks)
        below = np.cumsum(weights[block_of])
        rank = max(1, math.ceil(quantile * int(below[-1])))
        found[index] = ordered[int(np.searchsorted(below, rank))]
    return found


def block_ratio_of_quantiles(
    first: NDArray[Any], second: NDArray[Any], quantile: float, *, seed: int = 1
) -> Interval:
    """How many times the second's quantile is the first's, with its 95 % interval.

    Args:
        first: positive, in the order taken, shape (n,), at least one.
        second: the same of the other series, shape (m,).
        quantile: strictly between 0 and 1.
        seed: of the resampling; the same samples and seed give the same interval.

    Raises:
        ValueError: a series is empty.
    """
    if not first.size or not second.size:
        raise ValueError(f"{first.size} and {second.size} samples have no ratio; give some")
    generator = np.random.default_rng(seed)
    below = block_bootstrap_quantile(first, quantile, generator)
    above = block_bootstrap_quantile(second, quantile, generator)
    resamples = min(below.size, above.size)
    low, high = np.quantile(above[:resamples] / below[:resamples], [_TAIL, 1.0 - _TAIL])
    value = np.quantile(second, quantile, method=_QUANTILE) / np.quantile(
        first, quantile, method=_QUANTILE
    )
    return Interval(value=float(value), low=float(low), high=float(high))
