"""Percentile intervals by resampling whole groups (Efron and Tibshirani 1993, chapter 13).

Films of one patient resemble each other, so patients are drawn, not films. Every statistic sees
the same draws, which makes the difference of two of them a paired one. Of few patients the draws
are nearly all alike, of one they are all the same: intervals of them would look like certainty, so
below `FEWEST_GROUPS` there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.ranking import Counts

__all__ = [
    "FEWEST_GROUPS",
    "Statistic",
    "bootstrap",
    "bootstrap_intervals",
    "group_draws",
    "has_enough_groups",
    "percentile_interval",
]

FEWEST_GROUPS = 10
"""Groups below which nothing is drawn: an interval of so few is far too narrow."""

Floats = NDArray[np.float64]

Statistic = Callable[[Counts], Mapping[Any, Floats]]
"""Counts (examples, resamples) -> one value a resample by key; NaN where it has none."""

_BLOCK_COUNTS = 1 << 21
"""Counts held at once: 8 MiB of int32."""

_PERCENTILES = (2.5, 97.5)


def has_enough_groups(groups: Sequence[Any] | NDArray[Any]) -> bool:
    """Whether an interval of so many groups says anything."""
    return len(np.unique(np.asarray(groups))) >= FEWEST_GROUPS


def group_draws(
    groups: Sequence[Any] | NDArray[Any], repeats: int, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Draw groups with replacement.

    Args:
        groups: the group of each example, (n,).
        repeats: how many resamples.
        seed: of the draws.

    Yields:
        int64 (n,): how often each example is in the resample.
    """
    random = np.random.default_rng(seed)
    _, inverse = np.unique(np.asarray(groups), return_inverse=True)
    count = int(inverse.max()) + 1
    for _ in range(repeats):
        chosen = random.integers(count, size=count)
        yield np.bincount(chosen, minlength=count)[inverse].astype(np.int64)


def bootstrap(
    statistics: Sequence[Statistic],
    groups: Sequence[Any] | NDArray[Any],
    *,
    repeats: int,
    seed: int,
) -> dict[Any, Floats]:
    """Every statistic of every resample.

    Args:
        statistics: each with keys of its own.
        groups: the group of each example, (n,).
        repeats: how many resamples, at least one.
        seed: of the draws.

    Returns:
        float64 (repeats,) by key; position k is the same draw in all of them. One NaN by key where
        the groups are too few to draw from.
    """
    if not has_enough_groups(groups):
        once = np.ones((len(groups), 1), np.int32)
        return {key: np.full(1, np.nan) for each in statistics for key in each(once)}
    block = max(1, _BLOCK_COUNTS // max(1, len(groups)))
    found: dict[Any, list[Floats]] = {}
    waiting: list[NDArray[np.int64]] = []
    for done, counts in enumerate(group_draws(groups, repeats, seed), start=1):
        waiting.append(counts)
        if len(waiting) < block and done < repeats:
            continue
        drawn = np.stack(waiting, axis=1, dtype=np.int32, casting="same_kind")
        waiting.clear()
        for statistic in statistics:
            for key, values in statistic(drawn).items():
                found.setdefault(key, []).append(values)
    return {key: np.concatenate(values) for key, values in found.items()}


def percentile_interval(values: Floats) -> tuple[float, float] | None:
    """The middle 95 % of resampled values; None where none is finite."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    low, high = np.percentile(finite, _PERCENTILES)
    return float(low), float(high)


def bootstrap_intervals(
    figures: Callable[[NDArray[np.int64]], Mapping[str, float]],
    groups: NDArray[Any],
    repeats: int,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of figures that have no form over counts.

    Args:
        figures: gives the figures of the examples at the positions, int64 (m,).
        groups: group (patient) of every example, (n,).
        repeats: how many resamples.
        seed: of the draws.

    Returns:
        Lower and upper bound of every figure; NaN where no resample has it, or where the groups are
        too few to draw from.
    """
    positions = np.arange(len(groups))
    unknown = (float("nan"), float("nan"))
    if not has_enough_groups(groups):
        return dict.fromkeys(figures(positions), unknown)
    drawn: dict[str, list[float]] = {}
    for counts in group_draws(groups, repeats, seed):
        for name, value in figures(np.repeat(positions, counts)).items():
            drawn.setdefault(name, []).append(value)
    return {
        name: percentile_interval(np.array(values)) or unknown for name, values in drawn.items()
    }
