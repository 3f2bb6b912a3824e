"""How queries arrive, on a clock of the test's own."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.records.record import RunSettings
from benchmarks.scenarios.base import StopRule, input_order
from benchmarks.scenarios.choose_scenario import choose_scenario
from benchmarks.scenarios.multi_stream import MultiStream
from benchmarks.scenarios.offline import Offline
from benchmarks.scenarios.server import Server
from benchmarks.scenarios.single_stream import SingleStream

MS = 1_000_000
S = 1_000_000_000


class ClockedLoop:
    """Answers take so long each, and nothing else takes any time."""

    def __init__(self, call_ns: int) -> None:
        self.call_ns = call_ns
        self.now = 5 * S
        self.rows: list[tuple[int, int, int, int]] = []

    def now_ns(self) -> int:
        return self.now

    def wait_until(self, moment_ns: int) -> None:
        self.now = max(self.now, moment_ns)

    def take(self, query: int, index: int, issued_ns: int | None = None) -> int:
        issued = self.now if issued_ns is None else issued_ns
        self.rows.append((query, index, issued, self.now))
        self.now += self.call_ns
        return self.now

    def column(self, number: int) -> list[int]:
        return [row[number] for row in self.rows]


def indices() -> Iterator[int]:
    return itertools.cycle([0, 1, 2])


@pytest.mark.parametrize(
    ("stop", "queries"),
    [
        pytest.param(StopRule(100 * MS, 1), 10, id="so long"),
        pytest.param(StopRule(100 * MS, 25), 25, id="so many"),
        pytest.param(StopRule(0, 0), 1, id="at least one"),
    ],
)
def test_single_stream_issues_a_query_when_the_last_is_answered(
    stop: StopRule, queries: int
) -> None:
    loop = ClockedLoop(10 * MS)
    SingleStream().run(loop, indices(), stop)
    assert loop.column(0) == list(range(queries))
    assert loop.column(1) == list(itertools.islice(indices(), queries))
    assert loop.column(2) == loop.column(3) == [5 * S + 10 * MS * n for n in range(queries)]


def test_multi_stream_issues_several_inputs_at_once_and_waits_for_all() -> None:
    loop = ClockedLoop(10 * MS)
    MultiStream(4).run(loop, indices(), StopRule(0, 3))
    assert loop.column(0) == [0] * 4 + [1] * 4 + [2] * 4
    assert loop.column(2) == [5 * S] * 4 + [5 * S + 40 * MS] * 4 + [5 * S + 80 * MS] * 4


def test_offline_is_one_query_of_everything() -> None:
    loop = ClockedLoop(10 * MS)
    Offline().run(loop, indices(), StopRule(95 * MS, 4))
    assert loop.column(0) == [0] * 10
    assert set(loop.column(2)) == {5 * S}


def test_server_queries_arrive_by_a_poisson_process() -> None:
    """Gaps are exponential: as long on average as the rate says, and as scattered as long."""
    loop = ClockedLoop(1)
    Server(rate_hz=100.0, seed=1).run(loop, indices(), StopRule(100 * S, 1))
    gaps = np.diff(loop.column(2)) / MS
    assert len(loop.rows) == pytest.approx(10_000, rel=0.03)
    assert gaps.mean() == pytest.approx(10.0, rel=0.03)
    assert gaps.std() == pytest.approx(10.0, rel=0.05)
    assert np.mean(gaps > 20.0) == pytest.approx(np.exp(-2.0), rel=0.1)


def test_server_queries_wait_for_earlier_ones() -> None:
    """Half the capacity is asked for: by M/D/1 they wait half a service time on average.

    Pollaczek-Khinchine: load / (2 * (1 - load)) of the service time.
    """
    loop = ClockedLoop(10 * MS)
    assert Server(rate_hz=50.0, seed=2).run(loop, indices(), StopRule(1000 * S, 1))
    waits = np.array(loop.column(3)) - np.array(loop.column(2))
    assert (waits >= 0).all()
    assert waits.mean() == pytest.approx(5 * MS, rel=0.05)


def test_a_server_that_cannot_keep_up_ends() -> None:
    loop = ClockedLoop(S)
    server = Server(rate_hz=10.0, seed=3, most_lag_ns=20 * S)
    assert not server.run(loop, indices(), StopRule(3600 * S, 1))
    last = loop.rows[-1]
    assert 20 * S < last[3] + S - last[2] < 23 * S


def test_the_same_seed_gives_the_same_arrivals() -> None:
    def arrivals(seed: int) -> list[int]:
        loop = ClockedLoop(MS)
        Server(rate_hz=100.0, seed=seed).run(loop, indices(), StopRule(S, 1))
        return loop.column(2)

    assert arrivals(1) == arrivals(1)
    assert arrivals(1) != arrivals(2)


def test_inputs_come_equally_often_in_an_order_that_the_seed_fixes() -> None:
    first = list(itertools.islice(input_order(5, seed=1), 50))
    assert first == list(itertools.islice(input_order(5, seed=1), 50))
    assert first != list(itertools.islice(input_order(5, seed=2), 50))
    rounds = [sorted(first[start : start + 5]) for start in range(0, 50, 5)]
    assert rounds == [[0, 1, 2, 3, 4]] * 10


def test_a_server_without_a_rate_takes_half_of_what_is_possible(settings: RunSettings) -> None:
    from dataclasses import replace

    server = replace(settings, scenario="server", latency_bound_ns=100 * MS)
    assert choose_scenario(server, warm_ns=20 * MS) == Server(25.0, seed=1, most_lag_ns=5 * S)
    asked = replace(server, rate_hz=7.0, latency_bound_ns=S)
    assert choose_scenario(asked, warm_ns=20 * MS) == Server(7.0, seed=1, most_lag_ns=20 * S)
