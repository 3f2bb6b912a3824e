"""The fastest candidate that answers as the lab did is chosen and stored."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.choosing.choose import Candidate, judge_candidates, store_choice
from benchmarks.cli import bench_group
from benchmarks.records.record import BenchmarkRecord
from devices.detect import detect_board
from edge.errors import OutputError
from edge.stored_choice import STATE_FOLDER_VARIABLE, ChoiceBook

MS = 1_000_000


@pytest.fixture
def rounds(record: BenchmarkRecord, make_answers):
    """Two rounds: what each candidate's answers took, and what is changed about it."""

    def make(*candidates):
        def one(calls_ms, threads, changes):
            (measurement,) = record.measurements
            timed = make_answers([calls_ms * MS] * 64)
            standard = {
                "subject": replace(measurement.subject, threads=threads),
                "phases": measurement.phases | {"timed": timed},
            }
            return replace(measurement, **(standard | changes))

        return [
            replace(
                record,
                measurements=tuple(
                    one(calls_ms[turn], threads, changes)
                    for threads, (calls_ms, changes) in enumerate(candidates, start=1)
                ),
            )
            for turn in (0, 1)
        ]

    return make


def test_the_best_round_counts_and_the_fastest_is_first(rounds) -> None:
    """A slow round is somebody else's doing; a fast one cannot be."""
    found = judge_candidates(rounds(((20, 20), {}), ((90, 15), {}), ((30, 30), {})))
    assert [each.subject.threads for each in found] == [2, 1, 3]
    assert found[0].median_ns == 15 * MS


def test_a_faster_candidate_with_other_answers_is_never_chosen(rounds, measurement) -> None:
    truth = measurement.truth
    faults = {
        "output steps from the lab": replace(truth, steps_after=5.0),
        "another tensor": replace(truth, same_tensors=False),
        "answers changed": replace(truth, wrong_answers=1),
        "no golden examples": replace(truth, golden_inputs=0),
    }
    for reason, wrong in faults.items():
        found = judge_candidates(rounds(((5, 5), {"truth": wrong}), ((20, 20), {})))
        assert [each.subject.threads for each in found] == [2, 1]
        assert reason in found[1].fault
        assert found[0].fault == ""


def test_a_candidate_that_failed_is_listed_with_its_reason(rounds) -> None:
    failed = {"status": "failed", "failure": "died of SIGILL", "truth": None, "phases": {}}
    found = judge_candidates(rounds(((20, 20), {}), ((5, 5), failed)))
    assert found[1].fault == "died of SIGILL"
    assert found[1].median_ns == 0


def test_what_was_chosen_is_found_again_on_the_same_machine(measurement, tmp_path) -> None:
    path = store_choice(Candidate(measurement.subject, 9 * MS, ""), tmp_path / "deep" / "choices")
    book = ChoiceBook(tmp_path / "deep" / "choices", detect_board().identity)
    choice, reason = book.find(measurement.subject.digest)
    assert reason == ""
    assert choice is not None
    assert (choice.artifact, choice.threads) == ("film.onnx", 4)
    assert path.parent == book.folder


def test_a_state_folder_that_cannot_be_made_says_the_way_out(measurement, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="EDGEDX_STATE_DIR"):
        store_choice(Candidate(measurement.subject, 9 * MS, ""), tmp_path / "file" / "choices")


@pytest.mark.slow
def test_the_command_tries_every_file_and_stores_what_edge_run_reads(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv(STATE_FOLDER_VARIABLE, str(tmp_path))
    words = ["choose", "--seconds", "0.2", "--threads", "1", "--json", "--force"]
    found = CliRunner().invoke(bench_group, words, standalone_mode=False)
    assert found.return_value == 0
    values = json.loads(found.stdout)
    engines = {each["subject"]["engine"] for each in values["candidates"]}
    assert engines == {"onnxruntime", "litert"}
    assert Path(values["stored"]).parent == tmp_path / "choices"
    stored = json.loads(Path(values["stored"]).read_text())
    assert stored["artifact"] == values["candidates"][0]["subject"]["artifact"]


@pytest.mark.slow
def test_a_choice_that_is_interrupted_ends_in_one_line_and_stores_nothing(tmp_path: Path) -> None:
    """SIGTERM while the first candidate is measured: no second round, no traceback."""
    environment = os.environ | {STATE_FOLDER_VARIABLE: str(tmp_path)}
    words = [sys.executable, "-m", "benchmarks", "choose", "--seconds", "30", "--threads", "1"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as run:
        deadline = time.monotonic() + 60
        while not _children(run.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert said.strip() == "edge-bench: interrupted"
    assert not (tmp_path / "choices").exists()


def _children(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
