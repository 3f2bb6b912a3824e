"""The report says what a reader must know before a figure is quoted."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.records.measurement import AnswerSamples
from benchmarks.records.record import BenchmarkRecord
from benchmarks.report import format_record

MS = 1_000_000
S = 1_000_000_000

MakeAnswers = Callable[..., AnswerSamples]


def line_of(record: BenchmarkRecord, beginning: str) -> str:
    """The one line that begins so."""
    (line,) = (each for each in format_record(record) if each.startswith(beginning))
    return line


@pytest.fixture
def thinned(record: BenchmarkRecord, make_answers: MakeAnswers) -> BenchmarkRecord:
    """A server's record that keeps one query of ten: 500 of them, one a second."""
    (measurement,) = record.measurements
    timed = make_answers(
        [20 * MS] * 50,
        start=2 * S,
        queries=[10 * index for index in range(50)],
        issued=[2 * S + 10 * S * index for index in range(50)],
    )
    phases = measurement.phases | {"timed": replace(timed, kept_every=10)}
    server = replace(record.settings, scenario="server", latency_bound_ns=100 * MS)
    return replace(record, settings=server, measurements=(replace(measurement, phases=phases),))


def test_a_thinned_phase_is_told_and_its_answers_are_those_that_were_given(
    thinned: BenchmarkRecord,
) -> None:
    assert line_of(thinned, "warm (").startswith(
        "warm (500 answers, of which 50 were kept, after 31 warm-up answers;"
    )
    assert line_of(thinned, "kept so that") == (
        "kept so that the record stays small, evenly over time: timed one query of 10"
    )


def test_the_rate_of_a_thinned_servers_arrivals_is_that_of_all_queries(
    thinned: BenchmarkRecord,
) -> None:
    assert line_of(thinned, "server: ").startswith("server: 1 queries a second arrived, ")


def test_a_whole_record_says_nothing_of_thinning(record: BenchmarkRecord) -> None:
    lines = format_record(record)
    assert not any("kept" in each for each in lines)
    assert line_of(record, "warm (").startswith("warm (400 answers after 31 warm-up answers;")


def test_checked_answers_are_told_by_phase(record: BenchmarkRecord) -> None:
    (measurement,) = record.measurements
    assert line_of(record, "answers: ").endswith("; 60 timed answers checked, 0 wrong")
    truth = replace(measurement.truth, checked_sustained=40)
    both = replace(record, measurements=(replace(measurement, truth=truth),))
    assert line_of(both, "answers: ").endswith(
        "; 60 timed and 40 sustained answers checked, 0 wrong"
    )


def test_what_reading_the_sensors_costs_is_among_the_own_cost(record: BenchmarkRecord) -> None:
    """3 ms for twelve readings."""
    assert line_of(record, "own cost: ").endswith(
        " · reading the sensors 0.25 ms each 1 s, in another process"
    )


def test_what_could_not_be_measured_here_is_told(record: BenchmarkRecord) -> None:
    partly = replace(record, left_out=("film.edge on litert: not installed",))
    assert format_record(partly)[-1] == "not measured: film.edge on litert: not installed"
