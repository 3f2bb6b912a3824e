"""Workers are told to run by the line, in turns; one that breaks is named, and the rest goes on."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.engines.alternation import Burst, WorkerProcess, alternate, worker_command
from edge.errors import EngineError

WORKER = Path(__file__).with_name("tiny_worker.py")
SHORT = Burst(seconds=60.0, most=5)


@pytest.fixture
def start(tmp_path):
    """Starts a tiny worker by name, with options for its engine."""
    np.save(tmp_path / "weights.npy", np.eye(3, dtype=np.float32))
    inputs = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.savez(tmp_path / "inputs.npz", x=inputs)
    started = []

    def make(name="tiny", limit_s=30.0, **options):
        command = worker_command(
            Path(sys.executable),
            "unused",
            model=tmp_path / "weights.npy",
            inputs=tmp_path / "inputs.npz",
            answers=tmp_path / f"{name}.npz",
            outputs="y",
            threads=1,
            options=json.dumps(options),
        )
        command[1:3] = [str(WORKER)]
        worker = WorkerProcess(command, tmp_path / f"{name}.log", limit_s)
        started.append(worker)
        return worker

    yield make
    for worker in started:
        worker.close()


def test_a_worker_answers_every_example_before_it_is_timed(start, tmp_path) -> None:
    worker = start()
    assert worker.version == "tiny 1.0"
    with np.load(tmp_path / "tiny.npz") as answers:
        assert answers["y"].tolist() == np.arange(12).reshape(4, 3).tolist()


def test_what_an_engine_prints_does_not_disturb_the_conversation(start, tmp_path) -> None:
    assert len(start().run(SHORT).wall_ns) == 5
    assert "engines print what they like" in (tmp_path / "tiny.log").read_text()


def test_a_burst_ends_after_its_seconds_but_has_three_inferences(start) -> None:
    assert len(start(slow_s=0.02).run(Burst(seconds=0.001, most=50)).wall_ns) == 3


def test_processor_time_leaves_out_what_an_inference_slept(start) -> None:
    taken = start(slow_s=0.05).run(SHORT)
    assert taken.processor_ns < 50_000_000 <= min(taken.wall_ns)


def test_a_model_that_does_not_load_is_told_in_one_line(start) -> None:
    with pytest.raises(EngineError, match="ValueError: an operator that nobody knows"):
        start(fails_to_load=True)


def test_a_worker_that_hangs_is_ended(start) -> None:
    with pytest.raises(EngineError, match="exit code -9"):
        start(limit_s=1.0, slow_s=60.0)


def test_all_take_turns_and_the_first_round_does_not_count(start) -> None:
    workers = {"a": start("a"), "b": start("b")}
    rounds = []
    taken, faults = alternate(workers, rounds=3, burst=SHORT, seed=1, progress=rounds.append)
    assert faults == {}
    assert {name: [len(each.wall_ns) for each in found] for name, found in taken.items()} == {
        "a": [5, 5, 5],
        "b": [5, 5, 5],
    }
    assert rounds == [0, 1, 2, 3]


def test_one_that_breaks_has_no_times_and_its_last_words_are_kept(start) -> None:
    workers = {"well": start("well"), "ill": start("ill", dies_after=4 + 2 + 5)}
    taken, faults = alternate(workers, rounds=3, burst=SHORT, seed=1)
    assert list(taken) == ["well"]
    assert faults == {"ill": "ended with exit code 3 and said: out of memory"}
