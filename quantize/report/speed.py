"""A small, honest look at speed on the machine that makes a bundle."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from math import comb
from typing import Any

import numpy as np

from quantize.report.model import SpeedEntry, SpeedGain

__all__ = ["RunTimes", "measure_speed", "median_interval", "speed_entries", "speed_gain"]

_WARM_UPS = 3
_FEWEST_ROUNDS = 30
_MOST_ROUNDS = 300
_ENOUGH_SECONDS = 5.0
_OUTSIDE = 0.025  # on each side of a 95 % interval

RunTimes = Mapping[tuple[str, str], Sequence[float]]
"""Milliseconds of every round, by engine and file name."""


def measure_speed(
    runs: Mapping[tuple[str, str], Callable[[], Any]],
    *,
    rounds: tuple[int, int] = (_FEWEST_ROUNDS, _MOST_ROUNDS),
) -> RunTimes:
    """Time several files, taking turns, so that what disturbs one disturbs all.

    Nothing here is a benchmark: the machine may be shared, its clock may change. `edge-bench`
    measures boards.

    Args:
        runs: one inference each, by engine and file name.
        rounds: in each of which every file runs once, after three that are not timed: at least,
            and at most, the latter as long as they take less than five seconds.

    Returns:
        The times, in the order given.
    """
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
    fewest, most = rounds
    started = time.perf_counter()
    for at in range(_WARM_UPS + most):
        if at >= _WARM_UPS + fewest and time.perf_counter() - started > _ENOUGH_SECONDS:
            break
        for key, run in runs.items():
            start = time.perf_counter_ns()
            run()
            elapsed = time.perf_counter_ns() - start
            if at >= _WARM_UPS:
                taken[key].append(elapsed / 1e6)
    return taken


def speed_entries(times: RunTimes) -> tuple[SpeedEntry, ...]:
    """Median and spread of each file, in the order given."""
    return tuple(_entry(key, values) for key, values in times.items())


def speed_gain(
    times: RunTimes, engine: str, *, reference: str, model: str, is_float_kept: bool
) -> SpeedGain:
    """How much faster one file is than another, from the rounds in which both took their turn.

    Args:
        times: of `measure_speed`.
        engine: that runs both.
        reference: name of the float file.
        model: name of the int8 file.
        is_float_kept: whether the bundle carries the float file and runs it.
    """
    floats, integers = (np.asarray(times[engine, name]) for name in (reference, model))
    ratios = floats / integers
    low, high = median_interval(ratios.tolist())
    return SpeedGain(
        engine=engine,
        reference=reference,
        model=model,
        ratio=float(np.median(ratios)),
        low=low,
        high=high,
        rounds=len(ratios),
        is_float_kept=is_float_kept,
    )


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Bounds of at least 95 % for the median, whatever the values' distribution.

    Two order statistics, by the binomial distribution of how many values lie below the median
    (Conover 1999, "Practical Nonparametric Statistics", section 3.2). Of fewer than six values
    even the smallest and the largest are no such bounds; they are given all the same.
    """
    ordered = sorted(values)
    count = len(ordered)
    below, outside = 0, 0.5**count
    while below + 1 < count / 2 and outside + comb(count, below + 1) * 0.5**count <= _OUTSIDE:
        below += 1
        outside += comb(count, below) * 0.5**count
    return ordered[below], ordered[count - 1 - below]


def _entry(key: tuple[str, str], times: Sequence[float]) -> SpeedEntry:
    low, median, high = (float(each) for each in np.percentile(times, (10, 50, 90)))
    return SpeedEntry(key[0], key[1], median, low, high, len(times))
