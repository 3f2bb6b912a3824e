"""When figures may be quoted: what the samples and the answers say."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from benchmarks.environment import Machine
from benchmarks.records.measurement import AnswerSamples, InputSet, Measurement, Verdict
from benchmarks.records.record import BoardLimits, RunSettings
from benchmarks.verdict import judge
from edge.latency_summary import samples_needed

MS = 1_000_000
S = 1_000_000_000

Judge = Callable[..., Verdict]
MakeAnswers = Callable[..., AnswerSamples]


@pytest.fixture
def verdict_of(settings: RunSettings, machine: Machine, limits: BoardLimits) -> Judge:
    def judge_it(measurement: Measurement, **changes: object) -> Verdict:
        conditions = {"settings": settings, "machine": machine, "limits": limits} | changes
        return judge(measurement, **conditions)

    return judge_it


@pytest.fixture
def with_calls(measurement: Measurement, make_answers: MakeAnswers) -> Callable[..., Measurement]:
    def make(calls: list[int], **more: object) -> Measurement:
        timed = make_answers(calls, start=2 * S, **more)
        return replace(measurement, phases=measurement.phases | {"timed": timed})

    return make


@pytest.fixture
def at_a_rate(with_calls: Callable[..., Measurement]) -> Callable[..., Measurement]:
    """Queries that arrive so long apart, each answered when those before are."""

    def make(calls: list[int], *, gap_ns: int, waits: list[int] | None = None) -> Measurement:
        starts: list[int] = []
        ended = 0
        for index, call in enumerate(calls):
            started = max(ended, 2 * S + index * gap_ns + (waits[index] if waits else 0))
            starts.append(started)
            ended = started + call
        issued = [2 * S + index * gap_ns for index in range(len(calls))]
        return with_calls(calls, issued=issued, started=starts)

    return make


def steady(count: int, level: int = 20 * MS) -> list[int]:
    random = Random(1)  # noqa: S311 - times, no secret
    return [level + random.randrange(7) * 10_000 for _ in range(count)]


def test_a_quiet_measurement_is_valid(verdict_of: Judge, measurement: Measurement) -> None:
    verdict = verdict_of(measurement)
    assert verdict.reasons == ()
    assert verdict.is_valid
    assert verdict.notes == ("400 answers do not carry every percentile: p99.9 needs 3688",)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param("interrupted", "it was interrupted: by somebody", id="interrupted"),
        pytest.param("failed", "it failed: by somebody", id="failed"),
    ],
)
def test_what_did_not_come_to_its_end_is_invalid(
    verdict_of: Judge, measurement: Measurement, status: str, reason: str
) -> None:
    verdict = verdict_of(replace(measurement, status=status, failure="by somebody"))
    assert verdict.reasons == (reason,)


def test_what_never_began_can_be_judged_too(verdict_of: Judge, measurement: Measurement) -> None:
    nothing = replace(
        measurement,
        status="failed",
        failure="at once",
        phases={},
        is_settled=None,
        before=None,
        after=None,
        memory=None,
        truth=None,
        own_cost=None,
    )
    assert verdict_of(nothing).reasons == ("it failed: at once",)


def test_too_few_samples_make_it_invalid(
    verdict_of: Judge, with_calls: Callable[..., Measurement]
) -> None:
    few = samples_needed(0.5) - 1
    assert verdict_of(with_calls(steady(few))).reasons == (
        f"too few samples: {few} answers, a median needs {few + 1}; raise --min-duration",
    )


def test_a_warm_up_that_never_settled_makes_it_invalid(
    verdict_of: Judge, measurement: Measurement
) -> None:
    (reason,) = verdict_of(replace(measurement, is_settled=False)).reasons
    assert reason == "latency had not settled after 31 warm-up calls"


def test_a_step_makes_it_invalid_and_is_told_with_its_moment(
    verdict_of: Judge, with_calls: Callable[..., Measurement]
) -> None:
    (reason,) = verdict_of(with_calls(steady(350) + steady(50, 22 * MS))).reasons
    assert reason == "latency stepped by +10% after 7.0 s"


def test_a_burst_in_the_middle_makes_it_invalid(
    verdict_of: Judge, with_calls: Callable[..., Measurement]
) -> None:
    calls = steady(150) + steady(100, 24 * MS) + steady(150)
    (reason,) = verdict_of(with_calls(calls)).reasons
    assert "latency stepped by +20% after 3.0 s (and 1 more times)" in reason


def test_a_latency_that_creeps_up_makes_it_invalid(
    verdict_of: Judge, with_calls: Callable[..., Measurement]
) -> None:
    calls = [20 * MS + index * 10_000 for index in range(400)]
    assert "latency drifted by +13%" in verdict_of(with_calls(calls)).reasons[0]


def test_inputs_of_unlike_size_are_neither_drift_nor_step(
    verdict_of: Judge, with_calls: Callable[..., Measurement]
) -> None:
    """The heavy input comes oftener towards the end."""
    inputs = [int(index % 9 < (1 if index < 200 else 5)) for index in range(400)]
    calls = [40 * MS if each else 20 * MS for each in inputs]
    assert verdict_of(with_calls(calls, inputs=inputs)).is_valid


def test_a_server_that_does_not_keep_its_bound_is_invalid(
    verdict_of: Judge, settings: RunSettings, with_calls: Callable[..., Measurement]
) -> None:
    calls = [50 * MS if index % 40 == 0 else 20 * MS for index in range(400)]
    server = replace(settings, scenario="server", latency_bound_ns=30 * MS)
    assert verdict_of(with_calls(calls), settings=server).reasons == (
        "2.5% of the queries took longer than the bound of 30 ms, 1 % may",
    )
    relaxed = replace(server, latency_bound_ns=60 * MS)
    assert "bound" not in " ".join(verdict_of(with_calls(calls), settings=relaxed).reasons)


@pytest.mark.parametrize(
    ("over", "queries", "reason"),
    [
        pytest.param(0, 299, None, id="surely kept"),
        pytest.param(0, 298, "too few queries to tell whether the bound of 30 ms", id="too few"),
        pytest.param(1, 400, "1 of 400 took longer, and it takes 299 with none", id="one over"),
        pytest.param(8, 300, "2.7% of the queries took longer than the bound", id="broken"),
    ],
)
def test_a_servers_bound_is_kept_or_broken_only_by_enough_queries(
    verdict_of: Judge,
    settings: RunSettings,
    at_a_rate: Callable[..., Measurement],
    over: int,
    queries: int,
    reason: str | None,
) -> None:
    calls = steady(queries)
    calls[5 : 5 + 31 * over : 31] = [40 * MS] * over
    server = replace(settings, scenario="server", latency_bound_ns=30 * MS)
    reasons = verdict_of(at_a_rate(calls, gap_ns=100 * MS), settings=server).reasons
    assert len(reasons) == (reason is not None)
    assert reason is None or reason in reasons[0]


def test_an_overloaded_server_is_invalid_though_its_bound_is_generous(
    verdict_of: Judge, settings: RunSettings, at_a_rate: Callable[..., Measurement]
) -> None:
    server = replace(settings, scenario="server", latency_bound_ns=60 * S)
    assert verdict_of(at_a_rate(steady(400), gap_ns=30 * MS), settings=server).is_valid
    (reason,) = verdict_of(at_a_rate(steady(400), gap_ns=16 * MS), settings=server).reasons
    assert reason == (
        "the server was overloaded: an answer took 1.25 of the time between two arrivals, and its "
        "queue grew; lower --rate"
    )


def test_a_servers_queue_that_grows_is_invalid_though_each_answer_is_fast(
    verdict_of: Judge, settings: RunSettings, at_a_rate: Callable[..., Measurement]
) -> None:
    """Something else holds answers up between arrival and start, longer and longer."""
    server = replace(settings, scenario="server", latency_bound_ns=60 * S)
    held_up = [index * MS for index in range(400)]
    measurement = at_a_rate(steady(400), gap_ns=50 * MS, waits=held_up)
    (reason,) = verdict_of(measurement, settings=server).reasons
    assert reason.startswith("the server's queue grew: its queries took +")


def test_a_server_that_ended_early_is_told_to_have(
    verdict_of: Judge, settings: RunSettings, at_a_rate: Callable[..., Measurement]
) -> None:
    server = replace(settings, scenario="server", latency_bound_ns=60 * S)
    ended = replace(at_a_rate(steady(400), gap_ns=10 * MS), is_rate_kept=False)
    (reason,) = verdict_of(ended, settings=server).reasons
    assert reason == (
        "the server could not keep the rate: ended early, 4.0 s behind after 400 queries; lower "
        "--rate"
    )


@pytest.fixture
def in_streams(with_calls: Callable[..., Measurement]) -> Callable[..., Measurement]:
    """Queries of eight answers each, one after the other."""

    def make(calls: list[int]) -> Measurement:
        starts = [2 * S + sum(calls[: index // 8 * 8]) for index in range(len(calls))]
        queries = [index // 8 for index in range(len(calls))]
        return with_calls(calls, queries=queries, issued=starts)

    return make


def test_percentiles_of_multi_stream_are_carried_by_queries(
    verdict_of: Judge, settings: RunSettings, in_streams: Callable[..., Measurement]
) -> None:
    streams = replace(settings, scenario="multi-stream", samples_per_query=8)
    verdict = verdict_of(in_streams(steady(400)), settings=streams)
    assert verdict.reasons == ()
    assert verdict.notes[0].startswith("50 queries do not carry every percentile: p95 needs 72")
    (reason,) = verdict_of(in_streams(steady(40)), settings=streams).reasons
    assert reason == "too few samples: 5 queries, a median needs 6; raise --min-duration"


def test_a_step_of_multi_streams_queries_is_told_with_its_moment(
    verdict_of: Judge, settings: RunSettings, in_streams: Callable[..., Measurement]
) -> None:
    streams = replace(settings, scenario="multi-stream", samples_per_query=8)
    calls = steady(240) + steady(160, 23 * MS)
    reasons = verdict_of(in_streams(calls), settings=streams).reasons
    assert reasons[-1] == "latency stepped by +15% after 4.8 s"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            {"wrong_answers": 3},
            "3 of 60 checked answers changed while they were timed",
            id="changed answers",
        ),
        pytest.param(
            {"same_tensors": False},
            "preprocessing made another tensor than in the lab",
            id="another tensor",
        ),
        pytest.param(
            {"steps_before": 3.0},
            "golden answers are 3 output steps from the lab's, 2 are allowed",
            id="far from the lab before",
        ),
        pytest.param(
            {"steps_after": float("inf")},
            "golden answers are inf output steps from the lab's, 2 are allowed",
            id="far from the lab after",
        ),
    ],
)
def test_answers_that_are_not_the_labs_make_it_invalid(
    verdict_of: Judge, measurement: Measurement, change: dict[str, object], reason: str
) -> None:
    truth = replace(measurement.truth, **change)
    assert verdict_of(replace(measurement, truth=truth)).reasons == (reason,)


def test_an_input_that_is_answered_from_memory_makes_it_invalid(
    verdict_of: Judge, measurement: Measurement
) -> None:
    repeated = replace(measurement.truth.repeated, repeated_ns=1.0 * MS, probability=1e-9)
    (reason,) = verdict_of(
        replace(measurement, truth=replace(measurement.truth, repeated=repeated))
    ).reasons
    assert reason == (
        "one input repeated takes 0.05 of its time among others: something remembers answers"
    )


def test_an_emulated_processor_makes_it_invalid(
    verdict_of: Judge, measurement: Measurement, machine: Machine
) -> None:
    verdict = verdict_of(measurement, machine=replace(machine, is_emulated=True))
    assert verdict.reasons == ("aarch64 is emulated here: no time on it is a latency",)


def test_random_inputs_are_said_to_be_such(verdict_of: Judge, measurement: Measurement) -> None:
    random = replace(measurement, inputs=InputSet("random", measurement.inputs.identities))
    assert verdict_of(random).notes[0] == (
        "inputs are random numbers: the engine alone was timed, and no answer means anything"
    )


def test_what_the_machine_does_not_say_is_noted_and_not_guessed(
    verdict_of: Judge, measurement: Measurement
) -> None:
    silent = {"busy_s": None, "governors": (), "clocks_mhz": (), "temperatures_c": {}}
    verdict = verdict_of(
        replace(
            measurement,
            before=replace(measurement.before, **silent),
            after=replace(measurement.after, **silent),
        )
    )
    assert verdict.is_valid
    assert verdict.notes[1:] == (
        "governor and clocks cannot be read on this machine",
        "no temperature can be read on this machine",
        "whether other programs ran cannot be seen on this machine",
    )


def test_a_virtual_machine_is_noted(
    verdict_of: Judge, measurement: Measurement, machine: Machine
) -> None:
    verdict = verdict_of(measurement, machine=replace(machine, is_virtual=True))
    assert verdict.is_valid
    assert verdict.notes[-1].startswith("the machine is virtual")


def test_a_board_whose_signs_of_throttling_cannot_be_read_is_noted(
    verdict_of: Judge, measurement: Measurement
) -> None:
    blind = replace(measurement, before=replace(measurement.before, throttle_bits=None))
    assert verdict_of(blind).notes[-1] == (
        "whether it was throttled cannot be seen on this machine (raspberry_pi_5 tells it by "
        "get_throttled, rpi_volt)"
    )
    unknown = verdict_of(blind, limits=BoardLimits("", None, ""))
    assert unknown.notes[-1] == "whether it was throttled cannot be seen on this machine"


def test_latency_that_grew_under_load_is_noted(
    verdict_of: Judge, measurement: Measurement, make_answers: MakeAnswers
) -> None:
    slow = make_answers(steady(400, 26 * MS), start=10 * S)
    verdict = verdict_of(replace(measurement, phases=measurement.phases | {"sustained": slow}))
    assert "sustained latency is 1.30 times the warm one: see edge-bench soak" in verdict.notes


def test_a_server_between_whose_queries_the_machine_rests_is_not_held_to_full_load(
    verdict_of: Judge, settings: RunSettings, measurement: Measurement, make_answers: MakeAnswers
) -> None:
    fast = make_answers(steady(400, 12 * MS), start=10 * S)
    both = replace(measurement, phases=measurement.phases | {"sustained": fast})
    server = replace(settings, scenario="server", latency_bound_ns=100 * MS)
    assert any("sustained" in each for each in verdict_of(both).notes)
    assert not any("sustained" in each for each in verdict_of(both, settings=server).notes)


def test_answers_that_resemble_their_neighbours_are_noted(
    verdict_of: Judge, with_calls: Callable[..., Measurement]
) -> None:
    waves = [20 * MS + (index // 20 % 2) * 500_000 + index % 7 for index in range(400)]
    (note,) = (each for each in verdict_of(with_calls(waves)).notes if "resemble" in each)
    assert note.endswith("independent answers were 400")
