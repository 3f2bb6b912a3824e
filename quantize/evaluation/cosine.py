"""The centred cosine of two tensors, streamed one example at a time."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CentredCosine"]

_ROUNDING = 1e-13
"""What is left of a constant's power when its mean is taken away, as a share of it: float64."""


class CentredCosine:
    """Sums of a tensor and of another form of it over examples.

    The mean over the examples is taken from both, element by element, so that the angle is
    between what varies; 1 says that one is a positive multiple of the other. Sums are float64.
    """

    __slots__ = ("_count", "_is_same", "_product", "_squares", "_totals")

    def __init__(self) -> None:
        self._totals: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._squares = (0.0, 0.0)
        self._product = 0.0
        self._count = 0
        self._is_same = True

    def update(self, reference: NDArray[Any], other: NDArray[Any]) -> None:
        """See one example: arrays of equally many values."""
        first, second = (each.reshape(-1).astype(np.float64) for each in (reference, other))
        self._is_same = self._is_same and bool(np.array_equal(first, second))
        if self._totals is None:
            self._totals = first.copy(), second.copy()
        else:
            self._totals[0][:] += first
            self._totals[1][:] += second
        before = self._squares
        self._squares = before[0] + _dot(first, first), before[1] + _dot(second, second)
        self._product += _dot(first, second)
        self._count += 1

    def value(self) -> float:
        """The cosine, -1 to 1; of equal tensors 1, of a constant and something else 0."""
        if self._is_same or self._totals is None:
            return 1.0
        first, second = self._totals
        powers = [
            max(0.0, squares - _dot(total, total) / self._count)
            for squares, total in zip(self._squares, self._totals, strict=True)
        ]
        if any(
            power <= _ROUNDING * squares
            for power, squares in zip(powers, self._squares, strict=True)
        ):
            return 0.0
        product = self._product - _dot(first, second) / self._count
        return float(np.clip(product / sqrt(powers[0] * powers[1]), -1.0, 1.0))


def _dot(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    # No BLAS: its threads would wait for those of the engine, and for each other.
    return float((first * second).sum())
