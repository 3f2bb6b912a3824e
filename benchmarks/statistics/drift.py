"""How much a series rose or fell from its first third to its last."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["relative_drift"]

_PARTS = 3


def relative_drift(series: NDArray[Any]) -> float:
    """Change of the median from the first third to the last, as a share of the first.

    Medians of thirds are not moved by single slow answers, and need no form of the trend.

    Args:
        series: positive values in their order, shape (n,), at least one.

    Returns:
        0.1 where the last third is 10 % above the first.

    Raises:
        ValueError: the series is empty.
    """
    if not series.size:
        raise ValueError("an empty series has no drift; give at least one value")
    third = max(1, series.size // _PARTS)
    return float(np.median(series[-third:]) / np.median(series[:third])) - 1.0
