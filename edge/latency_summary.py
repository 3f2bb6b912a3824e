"""Percentiles that the samples can carry, each with its interval.

The interval is distribution-free: the number of samples below a quantile is binomial, so two
order statistics enclose it with the wanted confidence whatever the distribution (David and
Nagaraja, "Order Statistics", 3rd ed. 2003, section 7.1). Where no pair of samples does, there
are too few, and nothing is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Percentile", "is_carried", "percentile", "percentiles", "samples_needed"]

_CONFIDENCE = 0.95
_TAIL = (1.0 - _CONFIDENCE) / 2.0
# So many standard deviations from its mean a binomial number has no chance worth adding.
_REACH = 12.0


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile with its 95 % interval.

    Attributes:
        quantile: 0..1, for example 0.9.
        value: the sample quantile, in the samples' unit.
        low: lower end of the interval, a sample.
        high: upper end of the interval, a sample.
    """

    quantile: float
    value: float
    low: float
    high: float


def percentile(samples: Sequence[float], quantile: float) -> Percentile | None:
    """Estimate a percentile.

    Args:
        samples: independent measurements, any order.
        quantile: strictly between 0 and 1.

    Returns:
        The percentile, or None where the samples are too few to enclose it.
    """
    return percentiles(samples, (quantile,))[0]


def percentiles(
    samples: Sequence[float], quantiles: Sequence[float]
) -> tuple[Percentile | None, ...]:
    """Estimate several percentiles of the same samples; see `percentile`."""
    ordered = sorted(samples)
    return tuple(_from_ordered(ordered, quantile) for quantile in quantiles)


def _from_ordered(ordered: Sequence[float], quantile: float) -> Percentile | None:
    count = len(ordered)
    if not is_carried(count, quantile):
        return None
    low, high = _interval_ranks(count, quantile)
    return Percentile(
        quantile=quantile,
        value=ordered[math.ceil(quantile * count) - 1],
        low=ordered[low - 1],
        high=ordered[high - 1],
    )


def is_carried(count: int, quantile: float) -> bool:
    """Whether so many samples enclose a percentile.

    They do where neither "all lie below it" nor "all lie above it" is likelier than a tail.
    """
    return max(quantile, 1.0 - quantile) ** count <= _TAIL


def samples_needed(quantile: float) -> int:
    """How many samples a percentile needs before it is given."""
    count = max(2, math.floor(math.log(_TAIL) / math.log(max(quantile, 1.0 - quantile))))
    while not is_carried(count, quantile):
        count += 1
    return count


def _interval_ranks(count: int, quantile: float) -> tuple[int, int]:
    """Ranks (1-based) of the samples that enclose the quantile, each tail at most 2.5 %."""
    reach = _REACH * math.sqrt(count * quantile * (1.0 - quantile)) + _REACH
    low, high = 1, count
    below = 0.0
    for successes in range(max(0, math.floor(count * quantile - reach)), count):
        below += _binomial(count, successes, quantile)
        # `below` is the chance that at most `successes` samples lie below the quantile.
        if below <= _TAIL:
            low = successes + 1
        if below >= 1.0 - _TAIL:
            high = successes + 1
            break
    return low, high


def _binomial(count: int, successes: int, chance: float) -> float:
    logarithm = (
        math.lgamma(count + 1)
        - math.lgamma(successes + 1)
        - math.lgamma(count - successes + 1)
        + successes * math.log(chance)
        + (count - successes) * math.log1p(-chance)
    )
    return math.exp(logarithm)
