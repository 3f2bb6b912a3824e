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
        histogram: of all examples; its edges end at the exact extremes, widened to hold 0.
        halves: of every other example, and of those between; each ends at its own extremes. The
            second is empty after one example.
        average_low: moving average of the examples' smallest values.
        average_high: moving average of their largest.
    """

    histogram: Histogram
    halves: tuple[Histogram, Histogram]
    average_low: float
    average_high: float


class TensorStatistics:
    """One activation, streamed.

    Attributes:
        lows: smallest value of the first, third, ... example, and of the others; +inf of none.
        highs: largest value, likewise; -inf of none.
        average_low: moving average of the examples' smallest values.
        average_high: moving average of their largest.
        examples: how many were seen.
        stride: each how-many-th value counts in the histograms.
        halves: histograms, likewise.
    """

    __slots__ = ("average_high", "average_low", "examples", "halves", "highs", "lows", "stride")

    def __init__(self, shape: Sequence[int], *, most_values: int) -> None:
        self.lows = [math.inf, math.inf]
        self.highs = [-math.inf, -math.inf]
        self.average_low = 0.0
        self.average_high = 0.0
        self.examples = 0
        self.stride = _stride(shape, most_values)
        self.halves = (OctaveHistogram(), OctaveHistogram())

    @property
    def low(self) -> float:
        """Smallest value of all; +inf before the first."""
        return min(self.lows)

    @property
    def high(self) -> float:
        """Largest value of all; -inf before the first."""
        return max(self.highs)

    def update(self, values: NDArray[np.float32]) -> None:
        """See the activation of the next example, of any shape.

        Raises:
            ValueError: it holds NaN or infinity; nothing of it is kept.
        """
        low, high = finite_extremes(values)
        half = self.examples % 2
        self.examples += 1
        self.lows[half] = min(self.lows[half], low)
        self.highs[half] = max(self.highs[half], high)
        self.average_low = moved(self.average_low, low, count=self.examples)
        self.average_high = moved(self.average_high, high, count=self.examples)
        self.halves[half].update(values.reshape(-1)[:: self.stride], low=low, high=high)


def joint_evidence(members: Sequence[TensorStatistics]) -> RangeEvidence:
    """See activations as one: a value counts the same whichever of them it is in.

    Args:
        members: at least one, which saw the same examples.
    """
    lows = [min(0.0, *(each.lows[half] for each in members)) for half in (0, 1)]
    highs = [max(0.0, *(each.highs[half] for each in members)) for half in (0, 1)]
    halves = (OctaveHistogram(), OctaveHistogram())
    whole = OctaveHistogram()
    for each in members:
        for target, source in zip(halves, each.halves, strict=True):
            target.merge(source, weight=each.stride)
            whole.merge(source, weight=each.stride)
    return RangeEvidence(
        histogram=whole.view(min(lows), max(highs)),
        halves=(halves[0].view(lows[0], highs[0]), halves[1].view(lows[1], highs[1])),
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
