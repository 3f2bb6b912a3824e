"""What calibration keeps of one activation, of a fixed size whatever it sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.observers import Histogram, OctaveHistogram, finite_extremes
from quantize.range_methods.moving_average import moved

__all__ = ["RangeEvidence", "TensorStatistics", "joint_evidence"]


@dataclass(frozen=True, slots=True)
class RangeEvidence:
    """What the range of some activations, which share it, is chosen by.

    Attributes:
        histogram: its edges end at the exact extremes, widened to hold 0.
        average_low: moving average of the examples' smallest values.
        average_high: moving average of their largest.
    """

    histogram: Histogram
    average_low: float
    average_high: float


class TensorStatistics:
    """One activation, streamed.

    Attributes:
        low: smallest value; +inf before the first.
        high: largest value; -inf before the first.
        average_low: moving average of the examples' smallest values.
        average_high: moving average of their largest.
        examples: how many were seen.
        stride: each how-many-th value counts in the histogram.
        histogram: of those values.
    """

    __slots__ = ("average_high", "average_low", "examples", "high", "histogram", "low", "stride")

    def __init__(self, shape: Sequence[int], *, most_values: int) -> None:
        self.low = math.inf
        self.high = -math.inf
        self.average_low = 0.0
        self.average_high = 0.0
        self.examples = 0
        self.stride = _stride(shape, most_values)
        self.histogram = OctaveHistogram()

    def update(self, values: NDArray[np.float32]) -> None:
        """See the activation of the next example, of any shape.

        Raises:
            ValueError: it holds NaN or infinity; nothing of it is kept.
        """
        low, high = finite_extremes(values)
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.examples += 1
        self.average_low = moved(self.average_low, low, count=self.examples)
        self.average_high = moved(self.average_high, high, count=self.examples)
        self.histogram.update(values.reshape(-1)[:: self.stride], low=low, high=high)


def joint_evidence(members: Sequence[TensorStatistics]) -> RangeEvidence:
    """See activations as one: a value counts the same whichever of them it is in.

    Args:
        members: at least one, which saw the same examples.
    """
    joint = OctaveHistogram()
    for each in members:
        joint.merge(each.histogram, weight=each.stride)
    return RangeEvidence(
        histogram=joint.view(
            min(0.0, *(each.low for each in members)), max(0.0, *(each.high for each in members))
        ),
        average_low=min(each.average_low for each in members),
        average_high=max(each.average_high for each in members),
    )


def _stride(shape: Sequence[int], most_values: int) -> int:
    """The step that leaves about `most_values`, and that meets every row at every column.

    A step with a factor in common with the length of a row would see some columns only.
    """
    step = max(1, -(-math.prod(shape) // most_values))
    row = math.prod(shape[-2:]) if shape else 1
    while math.gcd(step, row) > 1:
        step += 1
    return step
