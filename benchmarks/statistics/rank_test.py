"""Are the values of one series larger than those of another?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RankTest", "mid_ranks", "rank_test"]


@dataclass(frozen=True, slots=True)
class RankTest:
    """What the Wilcoxon-Mann-Whitney test says.

    Attributes:
        superiority: probability that a value of the second series is larger than one of the
            first, ties counted half (Vargha and Delaney 2000, "A Critique and Improvement of
            the CL Common Language Effect Size Statistics"); 0.5 where neither is larger.
        probability: of so unlike ranks where the series are alike, two-sided.
    """

    superiority: float
    probability: float


def mid_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of theirs.

    Args:
        values: shape (n,).

    Returns:
        float64 of shape (n,).
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means = last - (counts - 1) / 2.0
    ranks: NDArray[np.float64] = means[places.reshape(values.shape)]
    return ranks


def rank_test(first: NDArray[Any], second: NDArray[Any]) -> RankTest:
    """Test whether two independent series come from the same distribution.

    Mann and Whitney 1947, "On a Test of Whether one of Two Random Variables is Stochastically
    Larger than the Other", by the normal approximation with the variance corrected for ties
    (Lehmann 1975, "Nonparametrics", section 1.4) and a continuity correction: with fewer than
    about eight values on a side it is rough.

    Args:
        first: shape (n,), at least one.
        second: shape (m,), at least one.

    Raises:
        ValueError: a series is empty.
    """
    n, m = first.size, second.size
    if not n or not m:
        raise ValueError(f"a rank test of {n} and {m} values is none; give at least one each")
    both = np.concatenate([first, second])
    larger = float(mid_ranks(both)[n:].sum()) - m * (m + 1) / 2
    counts = np.unique(both, return_counts=True)[1].astype(np.float64)
    total = n + m
    ties = float((counts**3 - counts).sum()) / (total * (total - 1))
    variance = n * m / 12.0 * (total + 1 - ties)
    distance = max(0.0, abs(larger - n * m / 2.0) - 0.5)
    # No spread at all: every value is the same.
    probability = math.erfc(distance / math.sqrt(2.0 * variance)) if variance > 0 else 1.0
    return RankTest(superiority=larger / (n * m), probability=probability)
