"""Server: queries arrive by chance, whether the last one is answered or not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.scenarios.base import QueryLoop, StopRule

__all__ = ["Server"]

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Server:
    """One input a query, arriving by a Poisson process: people at several doors.

    Latency counts from the arrival, so that waiting for earlier queries is in it. MLPerf asks
    which rate keeps the bound for 99 % of the queries.

    Attributes:
        rate_hz: queries a second on average.
        seed: of the arrivals.
        most_lag_ns: how far answers may fall behind arrivals before it ends: a rate that the
            model cannot keep would otherwise queue for ever.
    """

    rate_hz: float
    seed: int
    most_lag_ns: int = 30 * _NS_PER_S

    def run(self, loop: QueryLoop, order: Iterator[int], stop: StopRule) -> bool:
        """See `Scenario.run`."""
        generator = random.Random(f"arrivals {self.seed}")  # noqa: S311 - a schedule, no secret
        start = loop.now_ns()
        arrival = float(start)
        query = 0
        while True:
            # Gaps of a Poisson process are exponential.
            arrival += generator.expovariate(self.rate_hz) * _NS_PER_S
            if stop.is_reached(query, round(arrival) - start):
                return True
            loop.wait_until(round(arrival))
            ended = loop.take(query, next(order), round(arrival))
            query += 1
            if ended - arrival > self.most_lag_ns:
                return False
