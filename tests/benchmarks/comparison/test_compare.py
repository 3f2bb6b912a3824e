"""Records side by side: ratios with intervals, and a refusal of what was not measured alike."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.cli import bench_group
from benchmarks.comparison.compare import (
    NamedMeasurement,
    choose_pairs,
    compare_pair,
    is_slower,
)
from benchmarks.comparison.conditions import CONDITIONS
from benchmarks.records.record import BenchmarkRecord
from benchmarks.records.record_file import write_record
from benchmarks.statistics.bootstrap import block_ratio_of_quantiles
from edge.errors import InputError, UsageError

MS = 1_000_000


@pytest.fixture
def with_calls(record: BenchmarkRecord, make_answers):
    """A copy of the record whose timed answers took so long; its measurement may differ."""

    def make(calls, **changes):
        (measurement,) = record.measurements
        phases = measurement.phases | {"timed": make_answers(list(calls))}
        measurement = replace(measurement, phases=phases, **changes)
        return replace(record, measurements=(measurement,))

    return make


def _calls(scale: float = 1.0, count: int = 600, seed: int = 1) -> list[int]:
    noise = np.random.default_rng(seed).lognormal(0.0, 0.05, count)
    return (20 * MS * scale * noise).astype(int).tolist()


def _named(record: BenchmarkRecord, source: str = "a.json", index: int = 0) -> NamedMeasurement:
    return NamedMeasurement(source, record, record.measurements[index])


def test_a_slower_run_is_slower_by_its_ratio_with_the_interval_around_it(with_calls) -> None:
    found = compare_pair(
        _named(with_calls(_calls())), _named(with_calls(_calls(1.2, seed=2)), "b.json")
    )
    median = found.ratios[0]
    assert [each.quantile for each in found.ratios] == [0.5, 0.9, 0.99]
    assert median.ratio.low < 1.2 < median.ratio.high
    assert 1.1 < median.ratio.low < median.ratio.high < 1.3
    assert found.ranks.superiority > 0.95
    assert found.ranks.probability < 0.001
    assert is_slower(found, 1.05)
    assert not is_slower(found, 1.5)


def test_two_runs_of_the_same_are_not_said_to_differ(with_calls) -> None:
    found = compare_pair(_named(with_calls(_calls())), _named(with_calls(_calls(seed=2))))
    assert found.ratios[0].ratio.low <= 1 <= found.ratios[0].ratio.high
    assert not is_slower(found, 1.0)


def test_a_percentile_that_the_samples_do_not_carry_has_no_ratio(with_calls) -> None:
    found = compare_pair(
        _named(with_calls(_calls(count=100))), _named(with_calls(_calls(count=100, seed=2)))
    )
    assert [each.quantile for each in found.ratios] == [0.5, 0.9]


def test_answers_that_hang_together_widen_the_interval() -> None:
    """A slow stretch is one event, however many answers fall into it."""
    generator = np.random.default_rng(1)
    waves = np.repeat(generator.lognormal(0.0, 0.1, 20), 50)
    other = np.repeat(generator.lognormal(0.0, 0.1, 20), 50)
    together = block_ratio_of_quantiles(waves, other, 0.5)
    generator.shuffle(waves)
    generator.shuffle(other)
    apart = block_ratio_of_quantiles(waves, other, 0.5)
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


@pytest.mark.parametrize(
    ("condition", "change"),
    [
        pytest.param(
            "board",
            lambda it: replace(it, machine=replace(it.machine, board="Raspberry Pi 4 Model B")),
            id="another board",
        ),
        pytest.param(
            "processors",
            lambda it: replace(it, machine=replace(it.machine, processors=2)),
            id="fewer processors",
        ),
        pytest.param(
            "emulation",
            lambda it: replace(it, machine=replace(it.machine, is_emulated=True)),
            id="emulated",
        ),
        pytest.param(
            "settings",
            lambda it: replace(it, settings=replace(it.settings, scenario="offline")),
            id="another scenario",
        ),
    ],
)
def test_unlike_conditions_are_refused_by_name_and_may_be_allowed(
    condition, change, with_calls
) -> None:
    first = _named(with_calls(_calls()))
    other = _named(change(with_calls(_calls(seed=2))), "b.json")
    with pytest.raises(InputError, match=f"not measured alike: {condition}: .*--allow {condition}"):
        compare_pair(first, other)
    found = compare_pair(first, other, allow=[condition])
    assert [each.split(":")[0] for each in found.allowed] == [condition]


@pytest.mark.parametrize(
    ("condition", "changes"),
    [
        pytest.param(
            "governor", lambda it: {"before": replace(it.before, governors=("powersave",))}
        ),
        pytest.param("threads", lambda it: {"subject": replace(it.subject, threads=1)}),
        pytest.param(
            "valid",
            lambda it: {"verdict": replace(it.verdict, is_valid=False, reasons=("hot",))},
        ),
        pytest.param(
            "inputs",
            lambda it: {"inputs": replace(it.inputs, identities=it.inputs.identities[:1])},
        ),
        pytest.param("complete", lambda _: {"status": "interrupted"}),
    ],
)
def test_unlike_measurements_are_refused_by_name(
    condition, changes, with_calls, measurement
) -> None:
    first = _named(with_calls(_calls()))
    other = _named(with_calls(_calls(seed=2), **changes(measurement)), "b.json")
    with pytest.raises(InputError, match=f"{condition}: "):
        compare_pair(first, other)


def test_two_invalid_runs_are_alike_and_yet_refused(with_calls, measurement) -> None:
    invalid = replace(measurement.verdict, is_valid=False, reasons=("hot",))
    both = [_named(with_calls(_calls(seed=seed), verdict=invalid)) for seed in (1, 2)]
    with pytest.raises(InputError, match="valid: INVALID against INVALID"):
        compare_pair(*both)


def test_an_unknown_condition_is_wrong_use(with_calls) -> None:
    one = _named(with_calls(_calls()))
    with pytest.raises(UsageError, match=f"'weather' is no condition.*{CONDITIONS[0]}"):
        compare_pair(one, one, allow=["weather"])


def test_what_changed_between_the_runs_is_named(with_calls, measurement) -> None:
    newer = replace(measurement.subject, engine_version="1.33", artifact_sha256="99" * 32)
    found = compare_pair(
        _named(with_calls(_calls())), _named(with_calls(_calls(seed=2), subject=newer))
    )
    assert "engine_version 1.32 -> 1.33" in found.changes
    assert any(each.startswith("artifact_sha256 121212121212 -> 9999") for each in found.changes)


def test_of_several_subjects_like_is_held_to_like(with_calls, measurement) -> None:
    one_thread = replace(measurement, subject=replace(measurement.subject, threads=1))
    record = with_calls(_calls())
    both = replace(record, measurements=(*record.measurements, one_thread))
    named = [_named(both, index=index) for index in (0, 1)]
    pairs = choose_pairs(named, named[::-1])
    assert [(a.title, b.title) for a, b in pairs] == [
        (named[1].title, named[1].title),
        (named[0].title, named[0].title),
    ]
    litert = replace(measurement.subject, engine="litert")
    other = _named(with_calls(_calls(), subject=litert))
    with pytest.raises(UsageError, match="measure like subjects"):
        choose_pairs(named, [other, other])


def test_offline_records_are_compared_by_their_answers(make_answers, record) -> None:
    """One query of all answers carries no percentile."""
    named = []
    for scale in (1.0, 3.0):
        calls = _calls(scale, count=200)
        timed = make_answers(calls, queries=[0] * 200, issued=[0] * 200)
        (measurement,) = record.measurements
        offline = replace(measurement, phases={"timed": timed})
        settings = replace(record.settings, scenario="offline")
        named.append(_named(replace(record, settings=settings, measurements=(offline,))))
    found = compare_pair(*named)
    assert found.counted == "answers"
    assert is_slower(found, 1.05)


def test_servers_at_other_rates_are_unlike_though_neither_was_given_one(
    make_answers, record
) -> None:
    def at(rate_hz: float) -> NamedMeasurement:
        issued = [int(at * 1e9 / rate_hz) for at in range(100)]
        timed = make_answers([20 * MS] * 100, issued=issued)
        (measurement,) = record.measurements
        served = replace(measurement, phases={"timed": timed})
        settings = replace(record.settings, scenario="server", latency_bound_ns=100 * MS)
        return _named(replace(record, settings=settings, measurements=(served,)))

    assert compare_pair(at(5.0), at(5.1)).counted == "queries"
    with pytest.raises(InputError, match=r"rate: about 5\.01 Hz against about 20 Hz"):
        compare_pair(at(5.0), at(20.0))


def test_the_rank_tests_probability_counts_a_slow_wave_once(with_calls) -> None:
    """Two thousand answers in twenty waves are no two thousand proofs."""
    generator = np.random.default_rng(1)
    waves = [
        (20 * MS * np.repeat(generator.lognormal(0.0, 0.1, 20), 100)).astype(int).tolist()
        for _ in range(2)
    ]
    found = compare_pair(_named(with_calls(waves[0])), _named(with_calls(waves[1])))
    assert found.ranks.probability > 0.001


def test_too_few_samples_for_a_ratio_are_no_pass(with_calls) -> None:
    short = _named(with_calls([20 * MS] * 3))
    found = compare_pair(short, short)
    assert found.ratios == ()
    assert is_slower(found, 1.05)


def test_a_subject_that_is_gone_fails_the_gate(with_calls, measurement, tmp_path: Path) -> None:
    one_thread = replace(measurement, subject=replace(measurement.subject, threads=1))
    record = with_calls(_calls())
    write_record(replace(record, measurements=(*record.measurements, one_thread)), tmp_path / "a")
    write_record(record, tmp_path / "b")
    words = ["compare", str(tmp_path / "a"), str(tmp_path / "b")]
    found = CliRunner().invoke(bench_group, [*words, "--fail-above", "1.05"], standalone_mode=False)
    assert found.return_value == 1
    assert "compared with nothing: a: film int8 onnxruntime 1 thread" in found.output


def test_the_command_gates_a_regression_and_speaks_json(with_calls, tmp_path: Path) -> None:
    paths = []
    for name, scale in (("before", 1.0), ("same", 1.0), ("slow", 1.3)):
        paths.append(tmp_path / f"{name}.json")
        write_record(with_calls(_calls(scale, seed=len(paths))), paths[-1])
    before, same, slow = map(str, paths)

    def run(*words: str):
        return CliRunner().invoke(bench_group, ["compare", *words], standalone_mode=False)

    assert run(before, same, "--fail-above", "1.05").return_value == 0
    failed = run(before, same, slow, "--fail-above", "1.05")
    assert failed.return_value == 1
    assert "FAILED: slow.json" in failed.output
    assert "FAILED: same.json" not in failed.output
    (line,) = run(before, slow, "--json").output.splitlines()
    assert json.loads(line)["ratios"][0]["ratio"]["value"] == pytest.approx(1.3, abs=0.03)
    assert isinstance(run(before).exception, UsageError)
