"""Single-stream: the next query comes when the last one is answered."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.scenarios.base import QueryLoop, StopRule

__all__ = ["SingleStream"]


class SingleStream:
    """One input a query, one query at a time: a person who waits for each answer.

    MLPerf's figure for it is the 90th percentile of latency.
    """

    def run(self, loop: QueryLoop, order: Iterator[int], stop: StopRule) -> bool:
        """See `Scenario.run`."""
        start = loop.now_ns()
        query, ended = 0, start
        while not stop.is_reached(query, ended - start):
            ended = loop.take(query, next(order))
            query += 1
        return True
