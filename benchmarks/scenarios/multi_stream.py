"""Multi-stream: queries of several inputs, the next when all are answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.scenarios.base import QueryLoop, StopRule

__all__ = ["MultiStream"]


@dataclass(frozen=True, slots=True)
class MultiStream:
    """Several inputs a query: cameras whose pictures belong together.

    MLPerf's figure for it is the 99th percentile of a whole query's latency.

    Attributes:
        samples_per_query: 8 in MLPerf.
    """

    samples_per_query: int = 8

    def run(self, loop: QueryLoop, order: Iterator[int], stop: StopRule) -> bool:
        """See `Scenario.run`."""
        start = loop.now_ns()
        query, ended = 0, start
        while not stop.is_reached(query, ended - start):
            issued = loop.now_ns()
            for _ in range(self.samples_per_query):
                ended = loop.take(query, next(order), issued)
            query += 1
        return True
