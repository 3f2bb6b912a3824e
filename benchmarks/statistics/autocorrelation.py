"""How much each answer's latency resembles the one before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.rank_test import mid_ranks

__all__ = ["effective_count", "rank_autocorrelation"]


def rank_autocorrelation(series: NDArray[Any]) -> float:
    """Correlation of the ranks of neighbours (Wald and Wolfowitz 1943, by ranks).

    Ranks, because a single slow answer would rule the correlation of the values.

    Args:
        series: shape (n,).

    Returns:
        -1..1; 0 for independent values, for fewer than three, and where all are equal.
    """
    if series.size < 3:  # noqa: PLR2004 - two neighbours
        return 0.0
    ranks = mid_ranks(series)
    centred = ranks - ranks.mean()
    spread = float(np.dot(centred, centred))
    return float(np.dot(centred[:-1], centred[1:])) / spread if spread > 0 else 0.0


def effective_count(count: int, autocorrelation: float) -> int:
    """How many independent values say as much about a mean as so many of a first-order chain.

    Bayley and Hammersley 1946, "The Effective Number of Independent Observations in an
    Autocorrelated Time Series", for a correlation that falls geometrically with distance. For
    quantiles it is a guide only.

    Args:
        count: how many values there are.
        autocorrelation: of neighbours; below 0 counts as 0.
    """
    resemblance = min(max(autocorrelation, 0.0), 1.0)
    return max(1, round(count * (1.0 - resemblance) / (1.0 + resemblance)))
