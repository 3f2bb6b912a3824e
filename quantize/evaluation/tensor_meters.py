"""What is summed up about one tensor, one example at a time."""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.quantized_graph import ActivationParams

__all__ = ["RangeMeter"]

_LEVELS = 256
_NORMAL_WIDTH = 6.0  # standard deviations that hold almost all of a bell-shaped tensor


class RangeMeter:
    """How a tensor fills the range that its 256 levels cover.

    Args:
        params: of the tensor; None for one that is not stored in 8 bit.

    Attributes:
        low: smallest value seen.
        high: largest.
        clipped: how many values lay outside the range, by more than half a step.
        clipping_noise: their summed squared distance from it.
        count: values seen.
    """

    def __init__(self, params: ActivationParams | None) -> None:
        self._params = params
        self._sum = 0.0
        self._squares = 0.0
        self.low = float("inf")
        self.high = float("-inf")
        self.clipped = 0
        self.clipping_noise = 0.0
        self.count = 0

    def update(self, values: NDArray[Any]) -> None:
        """See the float values of one example, any shape."""
        flat = values.reshape(-1)
        self.low, self.high = min(self.low, float(flat.min())), max(self.high, float(flat.max()))
        self.count += flat.size
        self._sum += float(flat.sum(dtype=np.float64))
        self._squares += float(np.square(flat, dtype=np.float64).sum())
        if self._params is None:
            return
        low, high = _covered(self._params)
        outside = flat[(flat < low) | (flat > high)].astype(np.float64)
        self.clipped += outside.size
        self.clipping_noise += float(np.square(outside - np.clip(outside, low, high)).sum())

    @property
    def clipped_share(self) -> float:
        """Share of the values outside the range, 0 to 1."""
        return self.clipped / self.count if self.count else 0.0

    @property
    def mean_square(self) -> float:
        """Of all values."""
        return self._squares / self.count if self.count else 0.0

    @property
    def effective_bits(self) -> float:
        """Bits of the levels that most values fall on, 0 to 8; 8 for a float tensor."""
        if self._params is None or self.count == 0:
            return 8.0
        mean = self._sum / self.count
        deviation = max(0.0, self.mean_square - mean * mean) ** 0.5
        width = min(_NORMAL_WIDTH * deviation, self.high - self.low)
        return log2(min(_LEVELS, 1.0 + width / self._params.scale))


def _covered(params: ActivationParams) -> tuple[float, float]:
    """The range with half a step at each end, within which rounding alone is the error."""
    low = (-params.zero_point - 0.5) * params.scale
    return low, (_LEVELS - 1 - params.zero_point + 0.5) * params.scale
