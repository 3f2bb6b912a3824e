"""`edge-bench` from the command line, with the bundle that comes with edgedx and its real films."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measure import STAGES
from benchmarks.record import read_record, record_from_json
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


@needs_bundle
def test_run_measures_the_default_bundle_and_checks_its_answers(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    done = edge_bench(
        *("run", "--duration", "1", "--cold-starts", "2", "--engine", "onnxruntime"),
        *("--threads", "1", "--json", "-o", str(path)),
    )
    record = read_record(path)
    assert record_from_json(done.stdout.encode()) == record
    assert done.returncode == (0 if record.verdict.is_valid else 1), done.stderr
    assert record.golden.inputs > 0
    assert record.golden.same_tensors
    assert max(record.golden.steps_before, record.golden.steps_after) <= (
        record.golden.tolerance_steps
    )
    assert record.warm.wrong_answers == 0
    assert record.is_golden
    assert (record.subject.engine, record.subject.threads) == ("onnxruntime", 1)
    assert record.subject.artifact_bytes > 0
    assert len(record.cold_starts) == 2


@needs_bundle
def test_the_stages_of_a_record_fit_into_each_other(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    edge_bench("run", "--duration", "0.5", "--cold-starts", "1", "-o", str(path))
    record = read_record(path)
    assert set(record.warm.stages_ns) == set(STAGES)
    stages = record.warm.stages_ns
    assert len({len(samples) for samples in stages.values()}) == 1
    for decode, infer, total, call in zip(
        stages["decode"], stages["infer"], stages["total"], stages["call"], strict=True
    ):
        assert 0 < decode + infer <= total <= call
    (start,) = record.cold_starts
    parts = (start.interpreter_ns, start.import_ns, start.load_ns, start.first_answer_ns)
    assert all(part > 0 for part in parts)
    assert sum(parts) == start.total_ns
    assert start.peak_memory_bytes > record.subject.artifact_bytes


@needs_bundle
def test_a_report_ends_with_its_verdict(tmp_path: Path) -> None:
    done = edge_bench("run", "--duration", "0.5", "--cold-starts", "0")
    last = done.stdout.splitlines()[-1]
    assert last == "VALID" if done.returncode == 0 else last.startswith("INVALID, do not quote: ")
    assert not list(tmp_path.iterdir())


@needs_bundle
def test_pictures_of_the_users_own_are_measured_and_named_without_their_folder(
    sample_films: list[Path],
) -> None:
    done = edge_bench(
        *("run", "--duration", "0.2", "--cold-starts", "0", "--json"),
        *("--input", str(sample_films[0])),
    )
    raw = json.loads(done.stdout)
    assert not raw["is_golden"]
    assert [each["name"] for each in raw["pictures"]] == [sample_films[0].name]
    assert str(sample_films[0].parent) not in done.stdout


@needs_bundle
def test_a_picture_that_is_not_there_ends_with_bad_input() -> None:
    done = edge_bench("run", "--input", "absent.png")
    assert done.returncode == 3
    assert "absent.png" in done.stderr


def test_a_bare_model_without_pictures_has_nothing_real_to_measure_with(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"")
    done = edge_bench("run", str(model))
    assert done.returncode == 2
    assert done.stderr == (
        "edge-bench: there is nothing real to measure with: the model carries no golden inputs; "
        "name pictures with --input\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("run", "--duration", "0"), id="no time"),
        pytest.param(("run", "--threads", "0"), id="no thread"),
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
