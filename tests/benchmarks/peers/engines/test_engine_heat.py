"""A heat holds every answer against the float model's before a time counts."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.engines.alternation import Burst
from benchmarks.peers.engines.contestants import Contestant
from benchmarks.peers.engines.heat import Candidate, HeatPlan, run_heat
from benchmarks.peers.engines.verdict import counts, heat_verdict
from benchmarks.peers.quantizers.bar_model import read_bar_model

PLAN = HeatPlan(threads=1, rounds=2, burst=Burst(60.0, 5), examples=4, seed=1)
WORKER = "tests_tiny_worker"


@pytest.fixture
def model(tmp_path):
    """One product, as ONNX, in a model folder."""
    import json

    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weights, "w")],
    )
    folder = tmp_path / "product"
    folder.mkdir()
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "model.onnx")
    inputs = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    np.savez(folder / "calib.npz", x=inputs)
    np.savez(folder / "test.npz", x=inputs)
    meta = {"family": "cnn", "weights": "", "inputs": "", "calibration_examples": 8}
    (folder / "meta.json").write_text(json.dumps(meta))
    np.save(folder / "right.npy", weights)
    np.save(folder / "wrong.npy", weights[::-1])
    return read_bar_model(folder)


@pytest.fixture(autouse=True)
def importable_worker(tmp_path, monkeypatch):
    """The tiny worker as a module that a fresh process finds."""
    source = Path(__file__).with_name("tiny_worker.py").read_text()
    (tmp_path / f"{WORKER}.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def candidate(name: str, file: Path, **fault: str) -> Candidate:
    contestant = Contestant(name, "", "int8", "", "", "source", ".npy")
    return Candidate(contestant, Path(sys.executable), file, module=WORKER, **fault)


def test_a_wrong_answer_is_timed_and_does_not_count(model, tmp_path) -> None:
    candidates = (
        candidate("edgedx", model.path / "right.npy"),
        candidate("right", model.path / "right.npy"),
        candidate("wrong", model.path / "wrong.npy"),
    )
    heat = run_heat(model, candidates, PLAN, tmp_path / "scratch")
    ours, right, wrong = heat.entries
    assert (counts(ours), counts(right), counts(wrong)) == (True, True, False)
    assert right.quality.worst_db == 120.0
    assert len(wrong.rounds_ns) == PLAN.rounds
    assert heat_verdict(heat).fastest.name == "right"


def test_what_cannot_start_is_in_the_record_with_its_cause(model, tmp_path) -> None:
    candidates = (
        candidate("edgedx", model.path / "right.npy"),
        candidate("gone", model.path / "none.npy", fault="its wheel has no quantizer"),
    )
    heat = run_heat(model, candidates, PLAN, tmp_path / "scratch")
    assert heat.entries[1].fault == "its wheel has no quantizer"
    assert heat.entries[1].rounds_ns == []
    assert heat_verdict(heat) is None


def test_our_own_runner_gives_the_float_answers_of_a_float_file(model, tmp_path) -> None:
    contestant = Contestant("edgedx", "onnxruntime", "float32", "run_edgedx", "", "source", ".onnx")
    file = model.path / "model.onnx"
    heat = run_heat(
        model, (Candidate(contestant, Path(sys.executable), file),), PLAN, tmp_path / "scratch"
    )
    assert heat.entries[0].fault is None
    assert heat.entries[0].quality.worst_db > 100
    assert heat.entries[0].version.startswith("edgedx ")
