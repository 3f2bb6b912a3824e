"""What the scenarios share: the loop that takes and times answers, and when to stop."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["QueryLoop", "Scenario", "StopRule", "input_order"]


class QueryLoop(Protocol):
    """Takes answers and keeps their times."""

    def now_ns(self) -> int:
        """Nanoseconds of the steady clock."""
        ...

    def wait_until(self, moment_ns: int) -> None:
        """Wait for a moment of `now_ns`; one that is past is not waited for."""
        ...

    def take(self, query: int, index: int, issued_ns: int | None = None) -> int:
        """Answer for an input now and keep the times.

        Args:
            query: the query's number.
            index: of the input.
            issued_ns: when the query was issued; None for now.

        Returns:
            When the answer was there.
        """
        ...


@dataclass(frozen=True, slots=True)
class StopRule:
    """When a phase has lasted long enough and over enough queries (answers, where it is offline).

    Both must be reached, as in MLPerf's LoadGen (`min_duration`, `min_query_count`).
    """

    min_duration_ns: int
    min_queries: int

    def is_reached(self, queries: int, elapsed_ns: int) -> bool:
        """Whether so much is enough."""
        return queries >= max(1, self.min_queries) and elapsed_ns >= self.min_duration_ns


class Scenario(Protocol):
    """A pattern of arrival."""

    def run(self, loop: QueryLoop, order: Iterator[int], stop: StopRule) -> bool:
        """Issue queries until the rule is reached.

        Args:
            loop: answers them.
            order: index of the input of each answer.
            stop: when there are enough.

        Returns:
            Whether it was reached; False where answers fell too far behind arrivals.
        """
        ...


def input_order(count: int, seed: int) -> Iterator[int]:
    """Indices of inputs without end: every input once, shuffled, then all shuffled again.

    No input comes oftener than another, and none can be foreseen.

    Args:
        count: how many inputs there are.
        seed: the same seed gives the same order.
    """
    generator = random.Random(f"input order {seed}")  # noqa: S311 - an order, no secret
    indices = list(range(count))
    while True:
        generator.shuffle(indices)
        yield from indices
