"""How far predicted values lie from measured ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RegressionFigures", "regression_figures"]

_NORMAL_QUANTILE = 1.96  # as Bland and Altman 1986

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RegressionFigures:
    """Figures of one value, in its unit.

    Attributes:
        mean_absolute_error: mean of |predicted - measured|.
        root_mean_square_error: of the same differences.
        r_squared: share of the variance explained, at most 1; NaN where what was measured never
            varies.
        bias: mean of predicted - measured.
        limits: Bland and Altman's limits of agreement: bias -/+ 1.96 standard deviations.
        examples: how many.
    """

    mean_absolute_error: float
    root_mean_square_error: float
    r_squared: float
    bias: float
    limits: tuple[float, float]
    examples: int


def regression_figures(predicted: Floats, measured: Floats) -> RegressionFigures:
    """Compare predictions (n,) with measurements (n,), n > 0."""
    difference = predicted - measured
    spread = float(np.square(measured - measured.mean()).sum())
    residual = float(np.square(difference).sum())
    bias = float(difference.mean())
    deviation = float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    return RegressionFigures(
        mean_absolute_error=float(np.abs(difference).mean()),
        root_mean_square_error=float(np.sqrt(residual / len(difference))),
        r_squared=1.0 - residual / spread if spread > 0 else float("nan"),
        bias=bias,
        limits=(bias - _NORMAL_QUANTILE * deviation, bias + _NORMAL_QUANTILE * deviation),
        examples=len(difference),
    )
