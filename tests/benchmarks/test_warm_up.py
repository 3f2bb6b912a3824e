"""Warm-up ends by a rule."""

import itertools
from collections.abc import Iterator

import pytest

from benchmarks.warm_up import WarmUpRule, warm_up

MS = 1_000_000

QUICK = WarmUpRule(time_min_ns=0)


class PlannedLoop:
    """A loop on a clock of its own: the n-th answer takes what was planned for it."""

    def __init__(self, calls: Iterator[int]) -> None:
        self.calls = calls
        self.now = 0
        self.taken: list[int] = []

    def now_ns(self) -> int:
        return self.now

    def wait_until(self, moment_ns: int) -> None:
        self.now = max(self.now, moment_ns)

    def take(self, query: int, index: int, issued_ns: int | None = None) -> int:
        del query, issued_ns
        self.taken.append(index)
        self.now += next(self.calls)
        return self.now


def test_it_goes_on_until_latency_has_settled() -> None:
    rule = WarmUpRule(time_min_ns=0, window_min=2)
    falling = [100 * MS, 50 * MS, 30 * MS, 22 * MS, 20 * MS, 20 * MS, 20 * MS]
    states = [rule.state(falling[:count]) for count in range(len(falling) + 1)]
    assert states == ["running"] * 7 + ["settled"]


def test_it_takes_its_least_time() -> None:
    steady = [20 * MS] * 40
    assert QUICK.state(steady[:9]) == "running"
    assert QUICK.state(steady[:10]) == "settled"
    assert WarmUpRule().state(steady[:24]) == "running"
    assert WarmUpRule().state(steady[:25]) == "settled"


def test_what_does_not_settle_ends_unsettled() -> None:
    rule = WarmUpRule(time_min_ns=0, time_max_ns=400 * MS, window_min=1, window_share=0.0)
    restless = list(itertools.islice(itertools.cycle([10 * MS, 30 * MS]), 20))
    assert rule.state(restless[:19]) == "running"
    assert rule.state(restless) == "unsettled"


def test_windows_hold_whole_rounds_of_the_inputs() -> None:
    """Three inputs of unlike size: a window of five would compare unlike ones."""
    assert QUICK.window(10, 3) == 6
    unlike = [10 * MS, 20 * MS, 90 * MS] * 4
    assert QUICK.state(unlike, 3) == "settled"


def test_windows_grow_with_a_fast_model() -> None:
    assert QUICK.window(20_000, 1) == 2000


@pytest.mark.parametrize("count", [1, 3])
def test_answering_ends_as_the_rule_says(count: int) -> None:
    loop = PlannedLoop(itertools.chain([100 * MS] * 4, itertools.repeat(20 * MS)))
    calls = warm_up(loop, itertools.cycle(range(count)), count, WarmUpRule())
    assert WarmUpRule().state(calls, count) == "settled"
    assert calls[:4] == [100 * MS] * 4
    assert sum(calls) >= 500 * MS
    assert len(loop.taken) == len(calls) < 40


def test_answering_gives_up_on_a_restless_machine() -> None:
    growing = (20 * MS * 2 ** (index // 5) for index in itertools.count())
    rule = WarmUpRule(time_max_ns=2_000 * MS)
    calls = warm_up(PlannedLoop(growing), itertools.repeat(0), 1, rule)
    assert rule.state(calls) == "unsettled"
