"""When figures may be quoted."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.environment import Machine, MachineState
from benchmarks.measure import STAGES, WarmSamples
from benchmarks.record import BenchmarkRecord, GoldenReplay, Verdict
from benchmarks.report import format_record
from benchmarks.summary import judge, summarise_stages
from edge.latency_summary import samples_needed

Judge = Callable[..., Verdict]

MS = 1_000_000


def with_calls(warm: WarmSamples, calls: tuple[int, ...]) -> WarmSamples:
    stages = dict.fromkeys(STAGES, calls)
    return replace(warm, stages_ns=stages, pictures=(0,) * len(calls))


@pytest.fixture
def verdict_with(
    warm: WarmSamples,
    golden: GoldenReplay,
    machine: Machine,
    before: MachineState,
    after: MachineState,
) -> Judge:
    """Judge a quiet measurement in which some values are other ones."""

    def judge_with(**changes: object) -> Verdict:
        values = {
            "warm": warm,
            "golden": golden,
            "machine": machine,
            "before": before,
            "after": after,
        } | changes
        return judge(values.pop("warm"), values.pop("golden"), **values)

    return judge_with


def test_a_quiet_measurement_is_valid(verdict_with: Judge) -> None:
    assert verdict_with() == Verdict(is_valid=True, reasons=(), notes=())


def test_other_programs_make_it_invalid(verdict_with: Judge, after: MachineState) -> None:
    verdict = verdict_with(after=replace(after, busy_s=128.0))
    assert verdict.reasons == ("other programs took 20% of the processors",)
    assert not verdict.is_valid


def test_a_clock_that_fell_makes_it_invalid(verdict_with: Judge, after: MachineState) -> None:
    verdict = verdict_with(after=replace(after, clocks_mhz=(1500,) * 4))
    assert verdict.reasons == ("the clock changed from 2400 to 1500 MHz",)


def test_cores_at_rest_do_not_count_as_a_clock_change(
    verdict_with: Judge,
    after: MachineState,
) -> None:
    assert verdict_with(after=replace(after, clocks_mhz=(600, 2400, 600, 600))).is_valid


def test_another_governor_makes_it_invalid(verdict_with: Judge, after: MachineState) -> None:
    verdict = verdict_with(after=replace(after, governors=("powersave",) * 4))
    assert "governor changed" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        pytest.param(0x50005, "was throttled or under voltage (0x50005)", id="now"),
        pytest.param(0x40000, "throttled or lost voltage meanwhile (0x40000)", id="meanwhile"),
    ],
)
def test_throttling_makes_it_invalid(
    verdict_with: Judge,
    after: MachineState,
    bits: int,
    reason: str,
) -> None:
    assert reason in verdict_with(after=replace(after, throttle_bits=bits)).reasons[0]


def test_throttling_of_long_ago_does_not(
    verdict_with: Judge,
    before: MachineState,
    after: MachineState,
) -> None:
    earlier = {"throttle_bits": 0x40000}
    assert verdict_with(before=replace(before, **earlier), after=replace(after, **earlier)).is_valid


def test_too_few_samples_make_it_invalid(verdict_with: Judge, warm: WarmSamples) -> None:
    few = samples_needed(0.5) - 1
    verdict = verdict_with(warm=with_calls(warm, (20 * MS,) * few))
    assert verdict.reasons == (
        f"too few samples: {few}, a median needs {few + 1}; raise --duration",
    )


def test_a_warm_up_that_never_settled_makes_it_invalid(
    verdict_with: Judge,
    warm: WarmSamples,
) -> None:
    assert "not settled after 31 " in verdict_with(warm=replace(warm, is_settled=False)).reasons[0]


def test_a_latency_that_drifts_makes_it_invalid(verdict_with: Judge, warm: WarmSamples) -> None:
    calls = (20 * MS,) * 200 + (25 * MS,) * 200
    assert "drifted by +25%" in verdict_with(warm=with_calls(warm, calls)).reasons[0]


def test_pictures_of_unlike_size_are_no_drift(verdict_with: Judge, warm: WarmSamples) -> None:
    """401 answers for two pictures end on another picture than they began with."""
    pictures = tuple(index % 2 for index in range(401))
    calls = tuple(40 * MS if picture else 20 * MS for picture in pictures)
    unlike = replace(with_calls(warm, calls), pictures=pictures)
    assert verdict_with(warm=unlike).is_valid


def test_a_wrong_answer_makes_it_invalid(verdict_with: Judge, warm: WarmSamples) -> None:
    assert "3 answers changed" in verdict_with(warm=replace(warm, wrong_answers=3)).reasons[0]


@pytest.mark.parametrize("moment", ["steps_before", "steps_after"])
def test_answers_off_the_golden_ones_make_it_invalid(
    verdict_with: Judge,
    golden: GoldenReplay,
    moment: str,
) -> None:
    verdict = verdict_with(golden=replace(golden, **{moment: 3.0}))
    assert verdict.reasons == ("golden answers are 3 output steps from the lab's, 2 are allowed",)


def test_an_emulated_processor_makes_it_invalid(verdict_with: Judge, machine: Machine) -> None:
    assert "emulated" in verdict_with(machine=replace(machine, is_emulated=True)).reasons[0]


def test_what_the_machine_does_not_say_is_noted_and_not_guessed(
    verdict_with: Judge,
    before: MachineState,
    after: MachineState,
) -> None:
    silent = {"busy_s": None, "governors": (), "clocks_mhz": (), "temperatures_c": {}}
    verdict = verdict_with(before=replace(before, **silent), after=replace(after, **silent))
    assert verdict.is_valid
    assert verdict.notes == (
        "governor and clocks cannot be read on this machine",
        "no temperature can be read on this machine",
        "whether other programs ran cannot be seen on this machine",
    )


def test_a_percentile_is_given_only_where_samples_carry_it(warm: WarmSamples) -> None:
    count = samples_needed(0.9)
    few = {each.stage: each for each in summarise_stages(with_calls(warm, (MS,) * count))}
    assert [each.quantile for each in few["call"].percentiles] == [0.5, 0.9]
    many = {each.stage: each for each in summarise_stages(warm)}
    assert [each.quantile for each in many["call"].percentiles] == [0.5, 0.9, 0.99]


def test_a_stage_that_did_not_happen_is_left_out(warm: WarmSamples) -> None:
    assert "capture" not in {each.stage for each in summarise_stages(warm)}


def test_the_report_shows_no_percentile_that_the_record_cannot_carry(
    record: BenchmarkRecord,
) -> None:
    assert "p99" in "\n".join(format_record(record))
    short = replace(record, warm=with_calls(record.warm, (20 * MS,) * 50))
    text = "\n".join(format_record(short))
    assert "p90 [95 % interval]" in text
    assert "p99 [95 % interval]" not in text


def test_the_report_of_an_invalid_record_says_not_to_quote_it(record: BenchmarkRecord) -> None:
    invalid = replace(
        record, verdict=Verdict(is_valid=False, reasons=("it was disturbed",), notes=())
    )
    assert format_record(invalid)[-1] == "INVALID, do not quote: it was disturbed"
    assert format_record(record)[-1] == "VALID"
