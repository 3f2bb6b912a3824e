"""The collector of what int8 costs trained models: bars, table, skipping, one tiny real run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import helper, numpy_helper

from benchmarks.environment import Machine
from benchmarks.zoo.trained_models.__main__ import TASKS, main
from benchmarks.zoo.trained_models.figures import (
    FileFigures,
    Interval,
    ModelFigures,
    read_figures,
    verdict,
)
from benchmarks.zoo.trained_models.picture_tasks import crop_brain
from benchmarks.zoo.trained_models.record import ModelRun, TrainedModelsRecord
from benchmarks.zoo.trained_models.run_task import run_task
from benchmarks.zoo.trained_models.table import trained_models_table
from benchmarks.zoo.trained_models.task import Bar, Places, Task
from edge.errors import InputError

FIGURES = ModelFigures(
    examples=400,
    files=(
        FileFigures("source", size_bytes=4096, auroc=Interval(0.9, 0.88, 0.92)),
        FileFigures("model.float32.tflite", auroc_change=Interval(-0.5), flips=0.5),
        FileFigures(
            "model.int8.onnx",
            size_bytes=1024,
            snr_db=31.3,
            auroc=Interval(0.898, 0.88, 0.92),
            auroc_change=Interval(-0.002, -0.003, -0.001),
            flips=0.0125,
            flipped=5,
            decisions=400,
        ),
    ),
    ladder=("ranges: SNR in dB unknown to 30, kept",),
    worst_layers=(),
    findings=(),
    source_sha256="00",
    versions={},
)


def test_the_float_files_are_not_judged() -> None:
    assert verdict(FIGURES, Bar()) == {
        "model.int8.onnx: AUROC within 0.003": True,
        "model.int8.onnx: flips at most 1%": False,
    }


def test_a_gain_counts_as_a_change_too() -> None:
    better = replace(FIGURES.files[2], auroc_change=Interval(0.01), flips=0.0)
    assert verdict(replace(FIGURES, files=(better,)), Bar()) == {
        "model.int8.onnx: AUROC within 0.003": False,
        "model.int8.onnx: flips at most 1%": True,
    }


def test_another_file_is_no_report() -> None:
    with pytest.raises(InputError, match="not a report of edge-quantize"):
        read_figures({"schema_version": 1})


def test_the_table_says_what_is_missed_and_what_was_skipped(machine: Machine) -> None:
    known = ("a network", "some examples", "a licence")
    runs = (
        ModelRun("missed", *known, exit_code=0, figures=FIGURES, bars=verdict(FIGURES, Bar())),
        ModelRun("absent", *known, skipped="no torch"),
        ModelRun("broken", *known, exit_code=3, said="edge-quantize: no"),
    )
    table = trained_models_table(TrainedModelsRecord(machine, "command", runs))
    assert "| missed | **missed**: model.int8.onnx: flips at most 1% | 0 |" in table
    assert "| absent | skipped |" in table
    assert "Skipped: no torch" in table
    assert "| broken | **not made** | 3 |" in table
    assert "5 of 400 (1.25%)" in table
    assert "-0.0020 (-0.0030 to -0.0010)" in table


def test_what_cannot_be_had_is_skipped_aloud(tmp_path: Path) -> None:
    words = [
        f"{tmp_path / 'work'}",
        "--data",
        f"{tmp_path / 'none'}",
        "-o",
        f"{tmp_path / 'r.json'}",
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    assert result.output.count("SKIPPED") == len(TASKS)
    record = json.loads((tmp_path / "r.json").read_text())
    assert [each["name"] for each in record["runs"]] == list(TASKS)
    assert (tmp_path / "r.md").read_text().count("Skipped:") == len(TASKS)


def test_a_brain_is_cut_out_of_its_background() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[20:50, 10:60] = 200
    height, width = crop_brain(picture).shape[:2]
    assert (abs(height - 30) <= 4, abs(width - 50) <= 4) == (True, True)
    assert crop_brain(np.zeros((9, 9, 3), np.uint8)).shape == (9, 9, 3)


def prepare_linear(_places: Places, folder: Path) -> tuple[str, ...]:
    """A linear classifier of vectors, and labelled vectors that it mostly gets right."""
    rng = np.random.default_rng(5)
    weight = rng.normal(size=(3, 16)).astype(np.float32)
    values = rng.normal(size=(600, 16)).astype(np.float32)
    noisy = values @ weight.T + rng.normal(scale=1.0, size=(600, 3))
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w"], ["logits"], transB=1)],
        "linear",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 16])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    np.savez(folder / "data.npz", x=values, y=noisy.argmax(axis=1))
    return (
        *(str(folder / "model.onnx"), "--kind", "classification", "--labels", "a,b,c"),
        *("--data", str(folder / "data.npz"), "--repair", "none", "--no-time"),
    )


@pytest.mark.slow
def test_a_model_goes_the_whole_road(tmp_path: Path) -> None:
    task = Task("linear", "one layer", "drawn vectors", "none", prepare_linear)
    run = run_task(task, Places(tmp_path, tmp_path, None))
    assert (run.exit_code, run.said, run.skipped) == (0, "", "")
    assert run.selftest == {"onnxruntime": 0, "litert": 0}
    assert run.figures is not None
    assert run.figures.examples == 400
    assert {each.name for each in run.figures.files if each.auroc is not None} == {
        "source",
        "model.float32.tflite",
        "model.int8.onnx",
        "model.int8.tflite",
    }
    assert len(run.bars) == 4
    assert all(run.bars.values())
