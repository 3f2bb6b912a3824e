"""What measuring itself costs: reading the clock, and the loop around the answers."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.answer_log import AnswerCheck, AnswerLog
from benchmarks.answerers import DoNothingAnswerer

__all__ = ["LoopCost", "TimerCost", "measure_loop", "measure_timer"]

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


@dataclass(frozen=True, slots=True)
class LoopCost:
    """The loop that takes answers, around an answerer that does nothing.

    Attributes:
        call_ns: median of what it would book as the answer's time.
        bookkeeping_ns: median of what it does between two answers.
    """

    call_ns: float
    bookkeeping_ns: float


def measure_loop(calls: int = 2000) -> LoopCost:
    """Take answers of an answerer that does nothing, in the very loop that times the others."""
    log = AnswerLog(
        DoNothingAnswerer(), origin_ns=time.monotonic_ns(), check=AnswerCheck(expected=(None,))
    )
    log.begin("timed")
    for query in range(calls):
        log.take(query, 0)
    samples = log.samples()["timed"]
    started, call = samples.values("started"), samples.values("call")
    return LoopCost(float(np.median(call)), float(np.median(np.diff(started) - call[:-1])))
