"""A small, honest look at speed on the machine that makes a bundle."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from quantize.report.model import SpeedEntry

__all__ = ["measure_speed"]

_WARM_UPS = 3


def measure_speed(
    runs: Mapping[tuple[str, str], Callable[[], Any]], *, repeats: int = 30
) -> tuple[SpeedEntry, ...]:
    """Time several files, taking turns, so that what disturbs one disturbs all.

    Nothing here is a benchmark: the machine may be shared, its clock may change. `edge-bench`
    measures boards.

    Args:
        runs: one inference each, by engine and file name.
        repeats: timed runs of each, after three that are not timed.

    Returns:
        Median and spread of each, in the order given.
    """
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
    for at in range(_WARM_UPS + repeats):
        for key, run in runs.items():
            start = time.perf_counter_ns()
            run()
            elapsed = time.perf_counter_ns() - start
            if at >= _WARM_UPS:
                taken[key].append(elapsed / 1e6)
    return tuple(_entry(key, times) for key, times in taken.items())


def _entry(key: tuple[str, str], times: list[float]) -> SpeedEntry:
    low, median, high = (float(each) for each in np.percentile(times, (10, 50, 90)))
    return SpeedEntry(key[0], key[1], median, low, high, len(times))
