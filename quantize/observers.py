"""Streamed views of an activation: they see one array at a time and keep a fixed amount."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Histogram", "HistogramObserver", "MinMaxObserver"]

BINS = 2048

_LEAST_SPAN = 1e-30  # below it the width of a bin is beyond float32; such a tensor is nothing


class MinMaxObserver:
    """The smallest and largest value seen.

    Attributes:
        low: smallest value; +inf before the first.
        high: largest value; -inf before the first.
    """

    __slots__ = ("high", "low")

    def __init__(self) -> None:
        self.low = float(np.inf)
        self.high = float(-np.inf)

    def update(self, values: NDArray[Any]) -> None:
        """See an array of any shape.

        Raises:
            ValueError: it is empty or holds NaN or infinity; nothing of it is kept.
        """
        low, high = float(np.min(values)), float(np.max(values))
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"values from {low} to {high}; all must be finite")
        self.low, self.high = min(self.low, low), max(self.high, high)


class Histogram:
    """Counts of values in equal bins, exact zeros apart.

    Attributes:
        edges: (bins + 1,) float64, rising; the range holds 0.
        counts: (bins,) int64, without the exact zeros.
        zeros: how many values were exactly 0.
    """

    __slots__ = ("counts", "edges", "zeros")

    def __init__(self, edges: NDArray[np.float64], counts: NDArray[np.int64], zeros: int) -> None:
        self.edges = edges
        self.counts = counts
        self.zeros = zeros


class HistogramObserver:
    """A histogram over a range known from a pass before.

    Args:
        low: smallest value that will be seen.
        high: largest value.
        bins: how many equal bins.
    """

    __slots__ = ("_counts", "_high", "_low", "_zeros")

    def __init__(self, low: float, high: float, *, bins: int = BINS) -> None:
        self._low, self._high = min(low, 0.0), max(high, 0.0)
        if self._high - self._low < _LEAST_SPAN:
            self._high = 1.0
        self._counts = np.zeros(bins, dtype=np.int64)
        self._zeros = 0

    def update(self, values: NDArray[Any]) -> None:
        """See an array of any shape; values outside the range count in the end bins."""
        flat = values.reshape(-1)
        flat = flat[flat != 0]
        self._zeros += values.size - flat.size
        bins = len(self._counts)
        positions = (flat - np.float32(self._low)) * np.float32(bins / (self._high - self._low))
        at = np.clip(positions.astype(np.int64), 0, bins - 1)
        self._counts += np.bincount(at, minlength=bins)

    @property
    def histogram(self) -> Histogram:
        """What was seen so far."""
        edges = np.linspace(self._low, self._high, len(self._counts) + 1)
        return Histogram(edges, self._counts.copy(), self._zeros)
