"""Answers are timed, a seeded sample of them is checked, and rows survive the process."""

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.answer_log import (
    AnswerCheck,
    AnswerLog,
    StoppedError,
    read_recent_calls,
    read_spool,
)
from benchmarks.records.measurement import COLUMNS
from benchmarks.truth import compare_repeated, repeat_one_input
from edge.errors import OutputError

MS = 1_000_000


class CountingAnswerer:
    """Answers with how often it was asked; stage times are that number too."""

    def __init__(self, inputs: int = 2, remembers: bool = False) -> None:
        self.input_count = inputs
        self.asked: list[int] = []
        self._remembers = remembers
        self.wrong_for: set[int] = set()

    def answer(self, index: int) -> int:
        is_known = self._remembers and self.asked[-1:] == [index]
        self.asked.append(index)
        if not is_known:
            end = time.monotonic_ns() + MS // 2
            while time.monotonic_ns() < end:
                pass
        return index

    def stages_ns(self, answer: int, call_ns: int) -> tuple[int, ...]:
        del answer, call_ns
        return (len(self.asked),) * 6

    def is_same(self, answer: int, expected: int) -> bool:
        return answer == expected and answer not in self.wrong_for


def test_rows_say_what_was_asked_and_when(tmp_path: Path) -> None:
    origin = time.monotonic_ns()
    log = AnswerLog(CountingAnswerer(), origin_ns=origin, spool=tmp_path / "rows")
    log.begin("timed")
    issued = log.now_ns()
    ended = [log.take(7, 1, issued), log.take(8, 0)]
    log.flush()
    samples = read_spool(tmp_path / "rows")["timed"]
    assert set(samples.columns) == set(COLUMNS)
    assert samples.values("query").tolist() == [7, 8]
    assert samples.values("input").tolist() == [1, 0]
    assert samples.values("infer").tolist() == samples.values("total").tolist() == [1, 2]
    assert samples.values("issued")[0] == issued - origin
    assert samples.values("issued")[1] == samples.values("started")[1]
    assert (samples.values("started") + samples.values("call")).tolist() == [
        each - origin for each in ended
    ]
    assert samples.query_latencies_ns().tolist() == [
        ended[0] - issued,
        samples.values("call")[1],
    ]


def test_a_spool_grows_and_a_row_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    spool = tmp_path / "rows"
    log = AnswerLog(CountingAnswerer(), origin_ns=0, spool=spool)
    for query in range(3):
        log.take(query, 0)
        log.flush()
    with spool.open("ab") as file:
        file.write(b"cut off")
    assert read_spool(spool)["warm_up"].count == 3
    assert len(read_recent_calls(spool, 2)) == 2
    assert read_recent_calls(spool, 10) == read_spool(spool)["warm_up"].values("call").tolist()


@pytest.mark.parametrize("is_one_query", [False, True], ids=["queries", "answers of one query"])
def test_a_phase_may_be_thinned_evenly(is_one_query: bool) -> None:
    log = AnswerLog(CountingAnswerer(), origin_ns=0)
    log.begin("timed", keep_every=3, is_one_query=is_one_query)
    for number in range(9):
        log.take(0 if is_one_query else number // 2, 0)
    samples = log.samples()["timed"]
    kept = [1, 4, 7] if is_one_query else [1, 2, 7, 8]
    assert samples.values("infer").tolist() == kept


def test_a_spool_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert read_spool(tmp_path / "absent") == {}
    assert read_recent_calls(tmp_path / "absent", 5) == []


def test_a_spool_that_cannot_be_written_is_an_output_error() -> None:
    log = AnswerLog(CountingAnswerer(), origin_ns=0, spool=Path("/dev/full"))
    log.take(0, 0)
    with pytest.raises(OutputError, match="cannot keep answers in /dev: No space left on device"):
        log.flush()


def test_it_stops_when_it_is_told_to() -> None:
    log = AnswerLog(CountingAnswerer(), origin_ns=0)
    log.must_stop = True
    with pytest.raises(StoppedError):
        log.take(0, 0)
    with pytest.raises(StoppedError):
        log.wait_until(log.now_ns() + 60_000 * MS)
    assert log.samples()["warm_up"].count == 1


def test_waiting_ends_at_its_moment_and_not_before() -> None:
    log = AnswerLog(CountingAnswerer(), origin_ns=0)
    moment = log.now_ns() + 5 * MS
    log.wait_until(moment)
    assert log.now_ns() >= moment


def test_a_seeded_sample_of_the_answers_is_checked() -> None:
    def checked_queries(seed: int) -> tuple[int, int]:
        answerer = CountingAnswerer()
        answerer.wrong_for = {1}
        check = AnswerCheck([0, 1], seed=seed, share=0.25)
        for query in range(1000):
            check.look_at(answerer, query % 2, query % 2)
        return check.checked["timed"], check.wrong

    checked, wrong = checked_queries(1)
    assert checked_queries(1) == (checked, wrong) != checked_queries(2)
    assert 200 < checked < 330
    assert 0.35 < wrong / checked < 0.65


def test_the_first_answers_are_always_checked() -> None:
    check = AnswerCheck([0], share=0.0, always=5)
    for _ in range(9):
        check.look_at(CountingAnswerer(), 0, 0)
    assert check.checked == {"timed": 5}


def test_answers_of_the_warm_up_and_of_other_tests_are_not_among_the_checked_ones() -> None:
    check = AnswerCheck([0], share=0.0, always=5)
    log = AnswerLog(CountingAnswerer(), origin_ns=0, check=check)
    for phase, answers in (("warm_up", 9), ("timed", 3), ("sustained", 9), ("same_input", 9)):
        log.begin(phase)
        for query in range(answers):
            log.take(query, 0)
    assert check.checked == {"timed": 3, "sustained": 2}


@pytest.mark.parametrize("remembers", [False, True])
def test_an_answerer_that_remembers_its_last_answer_is_found_out(
    tmp_path: Path, remembers: bool
) -> None:
    log = AnswerLog(CountingAnswerer(4, remembers), origin_ns=0, spool=tmp_path / "rows")
    repeat_one_input(log, 4, seed=1, budget_ns=100 * MS)
    log.flush()
    phases = read_spool(tmp_path / "rows")
    found = compare_repeated(phases["same_input"], phases["varied_input"])
    assert found is not None
    assert set(phases["same_input"].values("input")) == {found.input}
    assert len(set(phases["varied_input"].values("input"))) == 4
    if remembers:
        assert found.repeated_ns < 0.2 * found.varied_ns
        assert found.probability < 1e-4


def test_one_input_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    log = AnswerLog(CountingAnswerer(1), origin_ns=0, spool=tmp_path / "rows")
    repeat_one_input(log, 1, seed=1, budget_ns=100 * MS)
    log.flush()
    assert read_spool(tmp_path / "rows") == {}
    assert compare_repeated(None, None) is None


def test_queries_of_several_answers_end_with_their_last(tmp_path: Path) -> None:
    log = AnswerLog(CountingAnswerer(), origin_ns=0, spool=tmp_path / "rows")
    issued = [log.now_ns(), log.now_ns()]
    ends = [[log.take(query, 0, issued[query]) for _ in range(3)][-1] for query in (0, 1)]
    log.flush()
    latencies = read_spool(tmp_path / "rows")["warm_up"].query_latencies_ns()
    assert latencies.tolist() == (np.array(ends) - np.array(issued)).tolist()
