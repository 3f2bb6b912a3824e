"""What reading the clock costs, and how fine it is."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

__all__ = ["TimerCost", "measure_loop_floor", "measure_timer"]

_BATCHES = 50
_READINGS = 1000


@dataclass(frozen=True, slots=True)
class TimerCost:
    """The clock that latencies are taken with.

    Attributes:
        overhead_ns: one reading.
        resolution_ns: smallest step that was seen.
    """

    overhead_ns: float
    resolution_ns: int


def measure_timer() -> TimerCost:
    """Read the clock many times; takes some milliseconds."""
    clock = time.monotonic_ns
    batches = []
    smallest = 10**9
    for _ in range(_BATCHES):
        readings = [clock() for _ in range(_READINGS)]
        batches.append((readings[-1] - readings[0]) / (_READINGS - 1))
        steps = [after - before for before, after in pairwise(readings) if after > before]
        smallest = min(smallest, *steps) if steps else smallest
    return TimerCost(statistics.median(batches), smallest)


def measure_loop_floor(calls: int = 2000) -> float:
    """Median `call` of an answerer that does nothing, in the very loop that times the others."""
    from benchmarks.answer_log import AnswerLog
    from benchmarks.answerers import DoNothingAnswerer

    log = AnswerLog(DoNothingAnswerer(), origin_ns=time.monotonic_ns())
    for query in range(calls):
        log.take(query, 0)
    return float(np.median(log.samples()["warm_up"].values("call")))
