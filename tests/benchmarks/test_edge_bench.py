"""`edge-bench` from the command line, with the bundle that comes with edgedx and its real films."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.records.measurement import PHASES, STAGES
from benchmarks.records.record_file import read_record, record_from_json
from edge.model_loader import DEFAULT_BUNDLE

ROOT = Path(__file__).parents[2]

needs_bundle = pytest.mark.skipif(
    not DEFAULT_BUNDLE.is_file(), reason=f"{DEFAULT_BUNDLE.name} has not been built yet"
)


def edge_bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def run_quickly(*words: str) -> subprocess.CompletedProcess[str]:
    """A short run without cold starts, unless the words say otherwise."""
    return edge_bench(
        *("run", "--min-duration", "0.2", "--min-queries", "20", "--sustained", "0"),
        *("--cold-starts", "0", "--threads", "1", *words),
    )


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The record and the report of the default bundle: both engines, one thread."""
    path = tmp_path_factory.mktemp("run") / "record.json"
    done = run_quickly("--cold-starts", "1", "--sustained", "0.3", "-o", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return path, done.stdout


@needs_bundle
def test_every_artifact_of_a_bundle_is_measured_and_its_answers_are_checked(
    whole_run: tuple[Path, str],
) -> None:
    path, _ = whole_run
    record = read_record(path)
    assert record.is_complete
    assert [each.name for each in path.parent.iterdir()] == ["record.json"]
    assert [(each.subject.engine, each.subject.threads) for each in record.measurements] == [
        ("onnxruntime", 1),
        ("litert", 1),
    ]
    for each in record.measurements:
        assert each.status == "complete"
        assert each.inputs.kind == "golden"
        assert each.truth.golden_inputs > 0
        assert each.truth.same_tensors
        assert max(each.truth.steps_before, each.truth.steps_after) <= each.truth.tolerance_steps
        assert each.truth.checked_answers > 0
        assert each.truth.wrong_answers == 0
        assert each.subject.engine_version
        assert 0 < each.subject.artifact_bytes < each.subject.package_bytes
        assert each.phases["timed"].count >= 20
        assert len(each.cold_starts) == 1


@needs_bundle
def test_the_parts_of_a_measurement_fit_into_each_other(whole_run: tuple[Path, str]) -> None:
    for measurement in read_record(whole_run[0]).measurements:
        # A machine that is busy with other things has no time to repeat an input.
        assert list(measurement.phases) in (list(PHASES), list(PHASES[:3]))
        for samples in measurement.phases.values():
            stages = {stage: samples.values(stage) for stage in STAGES}
            assert (stages["decode"] + stages["infer"] <= stages["total"]).all()
            assert (stages["infer"] > 0).all()
            assert (stages["total"] <= stages["call"]).all()
            started = samples.values("started")
            assert (started[1:] >= (started + stages["call"])[:-1]).all()
        (start,) = measurement.cold_starts
        parts = (start.interpreter_ns, start.import_ns, start.load_ns, start.first_answer_ns)
        assert all(part > 0 for part in parts)
        assert sum(parts) == start.total_ns
        memory = measurement.memory
        assert memory.start_bytes < memory.loaded_bytes <= memory.peak_bytes
        assert measurement.subject.artifact_bytes < memory.peak_bytes
        cost = measurement.own_cost
        assert cost.timer_overhead_ns > 0
        assert cost.timer_resolution_ns > 0
        assert 0 < cost.loop_floor_ns < cost.pipeline_floor_ns
        times = measurement.sensors.times.values()
        assert (times[1:] > times[:-1]).all()
        assert "resident_bytes" in measurement.sensors.traces


@needs_bundle
def test_a_report_ends_every_measurement_with_its_verdict(whole_run: tuple[Path, str]) -> None:
    lines = whole_run[1].splitlines()
    verdicts = [
        line for line in lines if line == "VALID" or line.startswith("INVALID, do not quote: ")
    ]
    assert len(verdicts) == 2
    assert [line.split()[-1] for line in lines[-2:]] == [each.split(",")[0] for each in verdicts]


@needs_bundle
def test_strict_makes_an_invalid_measurement_exit_code_1(tmp_path: Path) -> None:
    """No machine has a governor of that name."""
    path = tmp_path / "record.json"
    done = run_quickly(
        *("--engine", "onnxruntime", "--governor", "imaginary", "--strict", "-o", str(path)),
    )
    assert done.returncode == 1
    assert "asked for was imaginary" in done.stdout
    assert not read_record(path).measurements[0].verdict.is_valid


@needs_bundle
@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "queries"),
    [
        pytest.param(("--scenario", "multi-stream", "--streams", "4"), 4, id="multi-stream"),
        pytest.param(
            ("--scenario", "server", "--rate", "50", "--latency-bound", "1000"), 1, id="server"
        ),
        pytest.param(("--scenario", "offline"), None, id="offline"),
    ],
)
def test_every_scenario_is_measured(
    tmp_path: Path, words: tuple[str, ...], queries: int | None
) -> None:
    path = tmp_path / "record.json"
    done = run_quickly("--engine", "onnxruntime", *words, "-o", str(path))
    assert done.returncode == 0, done.stderr
    timed = read_record(path).measurements[0].phases["timed"]
    latencies = timed.query_latencies_ns()
    assert latencies.size == (1 if queries is None else timed.count // queries)
    assert (latencies >= timed.values("call").min()).all()


@needs_bundle
def test_inputs_of_the_users_own_are_measured_and_named_without_their_folder(
    sample_films: list[Path],
) -> None:
    done = run_quickly("--engine", "onnxruntime", "--json", "--input", str(sample_films[0]))
    inputs = record_from_json(done.stdout.encode()).measurements[0].inputs
    assert inputs.kind == "given"
    assert [each.name for each in inputs.identities] == [sample_films[0].name]
    assert str(sample_films[0].parent) not in done.stdout


@needs_bundle
def test_random_inputs_are_measured_only_when_asked_for_and_said_to_be_such() -> None:
    done = run_quickly("--engine", "onnxruntime", "--random")
    assert done.returncode == 0, done.stderr
    assert "RANDOM inputs, which mean nothing" in done.stdout
    assert "note: inputs are random numbers" in done.stdout


@needs_bundle
def test_an_input_that_is_not_there_ends_with_bad_input() -> None:
    done = edge_bench("run", "--input", "absent.png")
    assert done.returncode == 3
    assert "absent.png" in done.stderr


@needs_bundle
def test_an_input_that_the_model_refuses_ends_with_bad_input(tmp_path: Path) -> None:
    """A black picture has no answer, so there is nothing to time."""
    import cv2
    import numpy as np

    black = tmp_path / "black.png"
    cv2.imwrite(str(black), np.zeros((64, 64), np.uint8))
    done = run_quickly("--engine", "onnxruntime", "--input", str(black))
    assert done.returncode == 3
    assert done.stderr.startswith("edge-bench: the model refuses black.png: ")


@needs_bundle
def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    done = edge_bench("run", "-o", str(tmp_path / "absent" / "record.json"))
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "cannot write" in done.stderr


def test_a_model_without_real_inputs_is_not_measured(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"")
    done = edge_bench("run", str(model))
    assert done.returncode == 2
    assert done.stderr == (
        "edge-bench: there is nothing real to measure model.onnx with: it carries no golden "
        "inputs; name files with --input, or say --random to time the engine alone on numbers "
        "that mean nothing\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("run", "--min-duration", "0"), id="no time"),
        pytest.param(("run", "--threads", "0"), id="no thread"),
        pytest.param(("run", "--threads", "two"), id="threads in words"),
        pytest.param(("run", "--rate", "5"), id="a rate without a server"),
        pytest.param(("run", "--scenario", "server"), id="a server without a bound"),
        pytest.param(("run", "--random", "--input", "a.png"), id="random and real inputs"),
        pytest.param(("run", "--precision", "float32"), id="no such precision"),
        pytest.param(("run", "--engine", "other"), id="unknown engine"),
        pytest.param(("fly",), id="unknown command"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(words: tuple[str, ...]) -> None:
    done = edge_bench(*words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_bundle_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = edge_bench("run", str(tmp_path / "absent.edge"))
    assert done.returncode in (3, 4)
    assert "absent.edge" in done.stderr
