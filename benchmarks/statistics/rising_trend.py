"""Whether a series goes on rising, though neighbours in it resemble each other."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_VALUES", "rising_probability"]

_BLOCKS: Final = 12
LEAST_VALUES: Final = 2 * _BLOCKS


def rising_probability(series: NDArray[Any]) -> float:
    """Chance of so steady a rise where there is none.

    The test of Mann 1945, "Nonparametric Tests Against Trend", Econometrica 13, one-sided, on the
    medians of twelve blocks: a queue that comes and goes within a block is no rise, one that is
    longer in nearly every block than in those before is.

    Args:
        series: shape (n,).

    Returns:
        0..1; 1 for fewer than `LEAST_VALUES`.
    """
    if series.size < LEAST_VALUES:
        return 1.0
    medians = [float(np.median(block)) for block in np.array_split(series, _BLOCKS)]
    rises = sum(
        (later > earlier) - (later < earlier) for earlier, later in combinations(medians, 2)
    )
    variance = _BLOCKS * (_BLOCKS - 1) * (2 * _BLOCKS + 5) / 18
    return 0.5 * math.erfc((rises - 1) / math.sqrt(2 * variance))
