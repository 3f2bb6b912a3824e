"""When a model is warm: a rule, not a count.

The first answers of a process fault pages in, grow arenas, fill caches and let the clock rise;
how many that are differs from model to model and from board to board.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.scenarios.base import QueryLoop

__all__ = ["WarmUpRule", "WarmUpState", "warm_up"]

WarmUpState = Literal["running", "settled", "unsettled"]


@dataclass(frozen=True, slots=True)
class WarmUpRule:
    """When a model counts as warm.

    It is warm once it has answered for at least `time_min_ns`, and the median of the latest
    window of calls differs from that of the window before by at most `tolerance`. A window is a
    tenth of the calls so far, at least `window_min` of them, and whole rounds of the inputs, so
    that both windows hold the same inputs. A model that is not warm after `time_max_ns` and two
    windows goes on unsettled, and the verdict says so.
    """

    time_min_ns: int = 500_000_000
    window_min: int = 5
    window_share: float = 0.1
    tolerance: float = 0.1
    time_max_ns: int = 20_000_000_000

    def window(self, calls: int, inputs: int) -> int:
        """How many calls a window has.

        Args:
            calls: how many there have been.
            inputs: how many inputs a round has.
        """
        least = max(self.window_min, round(calls * self.window_share))
        return -(-least // inputs) * inputs

    def state(self, calls_ns: Sequence[int], inputs: int = 1) -> WarmUpState:
        """Judge the calls so far, each in nanoseconds, in their order."""
        window = self.window(len(calls_ns), inputs)
        spent_ns = sum(calls_ns)
        if len(calls_ns) < 2 * window or spent_ns < self.time_min_ns:
            return "running"
        latest = statistics.median(calls_ns[-window:])
        before = statistics.median(calls_ns[-2 * window : -window])
        if abs(latest - before) <= self.tolerance * before:
            return "settled"
        return "unsettled" if spent_ns >= self.time_max_ns else "running"


def warm_up(loop: QueryLoop, order: Iterator[int], inputs: int, rule: WarmUpRule) -> list[int]:
    """Answer until the rule is met or has given up.

    Args:
        loop: takes the answers.
        order: index of the input of each.
        inputs: how many inputs a round has.
        rule: when it ends.

    Returns:
        Every call in nanoseconds; `rule.state` of them says how it ended.
    """
    calls_ns: list[int] = []
    next_look = 2 * rule.window(0, inputs)
    while True:
        started = loop.now_ns()
        calls_ns.append(loop.take(len(calls_ns), next(order)) - started)
        # Not after every call: with a fast model there are tens of thousands.
        if len(calls_ns) >= next_look:
            if rule.state(calls_ns, inputs) != "running":
                return calls_ns
            next_look += max(1, len(calls_ns) // 50)
