"""Where a series changes its level: a clock that fell, a neighbour that woke."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.rank_test import mid_ranks

__all__ = ["ChangePoint", "find_change_points", "pettitt_test"]

_LEAST_SEGMENT = 10
_MOST_DEPTH = 8


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """One change of level.

    Attributes:
        index: the first value after it.
        before: median between the previous change and this one.
        after: median between this change and the next one looked at.
        probability: of so clear a change where there is none.
    """

    index: int
    before: float
    after: float
    probability: float

    @property
    def size(self) -> float:
        """The step as a share of the level before, 0.05 for 5 % up."""
        return self.after / self.before - 1.0 if self.before else math.inf


def pettitt_test(series: NDArray[Any]) -> tuple[int, float]:
    """Find the likeliest single change of level in a series.

    Pettitt 1979, "A Non-Parametric Approach to the Change-Point Problem", Applied Statistics
    28: the largest of the Mann-Whitney statistics between all values before and all after a
    place, by ranks, in O(n log n). It assumes no distribution, but independent values: where
    neighbours resemble each other its probability is too small, so that a caller must also
    ask for a step that matters.

    Args:
        series: shape (n,), at least two.

    Returns:
        Index of the first value after the change, and the approximate two-sided probability.

    Raises:
        ValueError: the series has fewer than two values.
    """
    count = series.size
    if count < 2:  # noqa: PLR2004 - a change lies between two
        raise ValueError(f"a series of {count} values has no change point; give at least two")
    below = 2.0 * np.cumsum(mid_ranks(series))[:-1]
    statistic = np.abs(below - np.arange(1, count) * (count + 1.0))
    place = int(np.argmax(statistic))
    exponent = -6.0 * float(statistic[place]) ** 2 / (float(count) ** 3 + float(count) ** 2)
    return place + 1, min(1.0, 2.0 * math.exp(exponent))


def find_change_points(
    series: NDArray[Any], *, least_step: float = 0.05, most_probability: float = 0.001
) -> tuple[ChangePoint, ...]:
    """Find every change of level that is both sure and large enough to matter.

    The series is split at its likeliest change, then each part again (binary segmentation:
    Scott and Knott 1974; Vostrikova 1981). A part is searched further where its change is sure,
    also where the step is small: a burst in the middle splits first at one of its ends.

    Args:
        series: positive values, shape (n,).
        least_step: smallest step that counts, as a share of the level before.
        most_probability: how unlikely a change must be without a cause.

    Returns:
        The changes in their order.
    """
    if not series.size:
        return ()
    places = sorted(_split(series, 0, most_probability, _MOST_DEPTH))
    edges = [0, *(place for place, _ in places), series.size]
    levels = [float(np.median(series[start:end])) for start, end in itertools.pairwise(edges)]
    found = (
        ChangePoint(place, levels[index], levels[index + 1], probability)
        for index, (place, probability) in enumerate(places)
    )
    return tuple(each for each in found if abs(each.size) >= least_step)


def _split(
    series: NDArray[Any], offset: int, most_probability: float, depth: int
) -> Iterator[tuple[int, float]]:
    if series.size < 2 * _LEAST_SEGMENT or not depth:
        return
    place, probability = pettitt_test(series)
    if probability > most_probability or not (
        _LEAST_SEGMENT <= place <= series.size - _LEAST_SEGMENT
    ):
        return
    yield offset + place, probability
    yield from _split(series[:place], offset, most_probability, depth - 1)
    yield from _split(series[place:], offset + place, most_probability, depth - 1)
