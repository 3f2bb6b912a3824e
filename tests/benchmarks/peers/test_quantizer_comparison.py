"""The record of the comparison, its resumption, its verdicts and its table."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.peers.quantizers.quality import Quality
from benchmarks.peers.quantizers.record import (
    OURS,
    Comparison,
    ModelFacts,
    Run,
    SpeedRun,
    read_comparison,
    write_comparison,
)
from benchmarks.peers.quantizers.table import comparison_table
from benchmarks.peers.quantizers.verdict import best_peer, engine_verdict
from edge.errors import InputError

MODEL = ModelFacts("resnet50", "cnn", "ab" * 32, 100_000, "random", "pictures", 64, 64)


def run(peer: str, decibels: float, **changes: object) -> Run:
    made = Run(
        MODEL.name,
        peer,
        "default",
        "onnxruntime",
        is_dynamic=False,
        quality=Quality(decibels, decibels, 1.0, 64),
        is_quantized=True,
        file_bytes=30_000,
    )
    return replace(made, **changes)


def comparison(*runs: Run) -> Comparison:
    return Comparison(models=(MODEL,), runs=runs)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    speed = SpeedRun("resnet50", "litert", 1, {"float": [[1.0, 2.0]]}, {"float": "onnx2tf"})
    written = comparison(run(OURS, 20.0), run("nncf", 3.0, fault="none")).with_speed(speed)
    write_comparison(written, tmp_path / "record.json")
    assert read_comparison(tmp_path / "record.json") == written


def test_a_missing_record_is_an_empty_comparison(tmp_path: Path) -> None:
    assert read_comparison(tmp_path / "none.json") == Comparison()


@pytest.mark.parametrize("text", ["{", '{"runs": 3}', '{"format": 2}'])
def test_a_damaged_record_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="give a new --out"):
        read_comparison(path)


def test_what_has_been_run_is_known_and_replaced_when_run_again() -> None:
    first = comparison(run("nncf", 10.0))
    assert first.has_run(run("nncf", 0.0).key)
    assert not first.has_run(run("quark", 0.0).key)
    assert first.with_run(run("nncf", 11.0)).runs == (run("nncf", 11.0),)


def test_a_fault_of_ours_is_run_again_and_one_of_another_is_not() -> None:
    faults = comparison(run(OURS, 0.0, fault="crash"), run("nncf", 0.0, fault="crash"))
    assert not faults.has_run(run(OURS, 0.0).key)
    assert faults.has_run(run("nncf", 0.0).key)


def test_another_file_of_the_same_name_drops_what_was_found_on_the_old_one() -> None:
    found = comparison(run("nncf", 10.0))
    assert found.with_model(MODEL).runs == found.runs
    assert found.with_model(replace(MODEL, sha256="cd" * 32)).runs == ()


def test_a_file_left_in_float_is_not_the_best() -> None:
    found = comparison(run("nncf", 10.0), run("onnxruntime", 120.0, is_quantized=False))
    assert best_peer(found, MODEL.name, "onnxruntime") == run("nncf", 10.0)


def test_a_dynamic_file_is_compared_apart() -> None:
    dynamic = run("onnxruntime", 40.0, is_dynamic=True)
    verdict = engine_verdict(comparison(run("nncf", 10.0), dynamic), MODEL.name, "onnxruntime")
    assert verdict.best == run("nncf", 10.0)
    assert verdict.best_dynamic == dynamic


@pytest.mark.parametrize(
    ("name", "decibels", "is_met"),
    [
        pytest.param("resnet50", 11.0, True, id="one decibel above"),
        pytest.param("resnet50", 10.9, False, id="less than one above"),
        pytest.param("mobilenet_v3", 14.9, False, id="a hard model needs five"),
        pytest.param("mobilenet_v3", 15.0, True, id="a hard model at five"),
    ],
)
def test_the_bar(name: str, decibels: float, is_met: bool) -> None:
    runs = (run(OURS, decibels, model=name), run("quark", 10.0, model=name))
    assert engine_verdict(Comparison(runs=runs), name, "onnxruntime").is_met is is_met


def test_no_verdict_where_one_side_is_missing() -> None:
    alone = comparison(run(OURS, 11.0))
    assert engine_verdict(alone, MODEL.name, "onnxruntime").is_met is None
    broken = comparison(run(OURS, 0.0, quality=None, fault="crash"), run("nncf", 1.0))
    assert engine_verdict(broken, MODEL.name, "onnxruntime").is_met is None


def test_the_table_says_missed_and_shows_faults_in_one_line() -> None:
    table = comparison_table(
        comparison(run(OURS, 10.5), run("nncf", 10.0), run("quark", 0.0, quality=None, fault="a|b"))
    )
    assert (
        "| resnet50 | 10.5 | default | 10.0 | nncf, default | +0.5 | +1 | **missed** | - |" in table
    )
    assert "fault: a/b" in table


def test_the_table_gives_speed_as_ratios_of_the_smallest_samples() -> None:
    rounds = {"float": [[4.0, 5.0]], OURS: [[2.0, 3.0]], "nncf": [[1.0, 9.0]]}
    speed = SpeedRun("resnet50", "onnxruntime", 1, rounds, dict.fromkeys(rounds, "default"))
    table = comparison_table(comparison(run(OURS, 10.5)).with_speed(speed))
    assert "| 4.00 / 4.50 | 2.00 / 2.50 | 1.00 / 5.00 nncf | 2.00 | **0.50** |" in table
