"""Offline: everything is there at once, and only throughput counts."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.scenarios.base import QueryLoop, StopRule

__all__ = ["Offline"]


class Offline:
    """One query of all inputs: a night's work. MLPerf's figure for it is answers a second."""

    def run(self, loop: QueryLoop, order: Iterator[int], stop: StopRule) -> bool:
        """See `Scenario.run`."""
        start = loop.now_ns()
        answers, ended = 0, start
        while not stop.is_reached(answers, ended - start):
            ended = loop.take(0, next(order), start)
            answers += 1
        return True
