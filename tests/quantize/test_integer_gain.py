"""Where int8 is no faster by a model's structure, float goes into the bundle and runs."""

from pathlib import Path

import numpy as np
import pytest
import tiny_onnx_models as tiny
from picture_files import write_pictures
from recurrent_model import recurrent_model, write_series

import edge
from edge.selftest import run_selftest
from quantize.build_bundle import BuildReport, BuildRequest, build_bundle
from quantize.importers.onnx_importer import import_model
from quantize.importers.static_shapes import fix_input_shapes
from quantize.integer_gain import engines_without_gain
from quantize.model_card import ModelCard
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import QuantizedGraph, float_form

INT8_ONLY = ["model.int8.onnx", "model.int8.tflite"]


def attention_model(width: int, steps: int):
    build = tiny.ModelBuilder()
    for name in "qkv":
        build.node("MatMul", ["x", build.weight(f"{name}_w", (width, width))], name)
    build.node("Transpose", ["k"], "kt", perm=[0, 2, 1])
    build.node("MatMul", ["q", "kt"], "likeness")
    build.node("Softmax", ["likeness"], "shares", axis=-1)
    build.node("MatMul", ["shares", "v"], "mixed")
    build.node("ReduceMean", ["mixed"], "mean", axes=[1], keepdims=0)
    build.gemm("mean", "out", (width, 2))
    return build.model({"x": (1, steps, width)}, {"out": (1, 2)})


def without_gain(model) -> tuple[str, ...]:
    fix_input_shapes(model)
    graph = import_model(model)
    return engines_without_gain(QuantizedGraph(graph, {}, {}, plan_precisions(graph)))


@pytest.mark.parametrize(
    ("op", "hidden", "engines"),
    [
        pytest.param("LSTM", 16, ("onnxruntime", "litert"), id="small LSTM"),
        pytest.param("LSTM", 32, ("onnxruntime",), id="LSTM of 32 units"),
        pytest.param("LSTM", 64, ("onnxruntime",), id="LSTM of 64 units on the model's input"),
        pytest.param("LSTM", 128, (), id="LSTM of 128 units"),
        pytest.param("GRU", 16, ("onnxruntime", "litert"), id="small GRU"),
        pytest.param("GRU", 128, ("onnxruntime",), id="GRU: no integer kernel in onnxruntime"),
    ],
)
def test_a_recurrent_layer_must_be_wide_enough_for_the_engine(op, hidden, engines) -> None:
    assert without_gain(recurrent_model(op, hidden)) == engines


def test_attention_must_be_wide_and_in_onnxruntime_long_enough() -> None:
    assert without_gain(attention_model(16, 64)) == ("onnxruntime", "litert")
    assert without_gain(attention_model(64, 8)) == ("onnxruntime",)
    assert without_gain(attention_model(128, 64)) == ()


def test_models_without_recurrence_and_attention_are_int8_however_small() -> None:
    assert without_gain(tiny.gated_cnn()) == ()


def test_where_nothing_is_quantized_there_is_nothing_to_keep_float_beside() -> None:
    model = recurrent_model("LSTM", 8)
    fix_input_shapes(model)
    assert engines_without_gain(float_form(import_model(model))) == ()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kept")
    write_series(root / "series")
    tiny.save(recurrent_model("LSTM", 32), root / "lstm.onnx")
    return root


def build_series(folder: Path, name: str, **changes: object) -> BuildReport:
    card = ModelCard(
        labels=("a", "b"),
        kind="classification",
        activation="softmax",
        inputs={"series": {"kind": "series", "axes": "TC", "channels": ["p", "q", "r", "s"]}},
    )
    options = {"calibration": (str(folder / "series"),), "card": card, **changes}
    return build_bundle(
        BuildRequest(model=folder / "lstm.onnx", destination=folder / name, **options)
    )


@pytest.fixture(scope="module")
def kept(folder: Path) -> BuildReport:
    return build_series(folder, "kept.edge")


def paths(report: BuildReport) -> list[str]:
    return [each.path for each in report.manifest.artifacts]


def test_float_stands_before_int8_for_the_engine_that_gains_nothing(kept: BuildReport) -> None:
    assert paths(kept) == ["model.float32.onnx", *INT8_ONLY]
    assert kept.manifest.artifacts[0].precision == "float32"
    notes = [each.text for each in kept.report.findings]
    assert any(text.startswith("onnxruntime runs model.float32.onnx") for text in notes)


def test_the_runtime_takes_it_unless_int8_is_asked_for(kept: BuildReport, folder: Path) -> None:
    wanted = {"auto": "float32", "dynamic": "dynamic"}
    for asked, runs in wanted.items():
        options = edge.LoadOptions(precision=asked)
        with edge.load(kept.destination, options=options) as model:
            assert model.run(folder / "series" / "00.npy").precision == runs
    with edge.load(kept.destination, engine="litert") as model:
        assert model.run(folder / "series" / "00.npy").precision == "dynamic"


def test_every_file_of_the_bundle_answers_as_in_the_lab(kept: BuildReport) -> None:
    checks = list(run_selftest(kept.destination))
    assert {each.artifact for each in checks} == {"model.float32.onnx", *INT8_ONLY}
    assert all(each.is_passed for each in checks)


def test_it_answers_as_the_source_does(kept: BuildReport) -> None:
    found = {each.artifact: each for each in kept.report.parity}
    assert found["model.float32.onnx"].snr_db > 90


def test_nothing_that_was_timed_decides_it(kept: BuildReport, folder: Path) -> None:
    again = build_series(folder, "timed.edge", is_timed=True)
    assert again.destination.read_bytes() == kept.destination.read_bytes()
    found = {each.engine: each for each in again.report.speed_gains}
    assert found["onnxruntime"].reference == "model.float32.onnx"
    assert found["onnxruntime"].is_float_kept
    assert found["litert"].reference == "model.float32.tflite"
    assert not found["litert"].is_float_kept


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        pytest.param("none", INT8_ONLY, id="none"),
        pytest.param(
            "litert", ["model.int8.onnx", "model.float32.tflite", "model.int8.tflite"], id="litert"
        ),
        pytest.param(
            "both",
            ["model.float32.onnx", "model.int8.onnx", "model.float32.tflite", "model.int8.tflite"],
            id="both",
        ),
    ],
)
def test_what_is_asked_for_is_done(asked: str, files: list[str], folder: Path) -> None:
    report = build_series(folder, f"{asked}.edge", kept_float=asked)
    assert paths(report) == files
    assert all(each.is_passed for each in run_selftest(report.destination))


@pytest.mark.parametrize("takes_pixels", [True, False])
def test_a_kept_float_file_takes_the_pixels_that_the_int8_file_takes(
    takes_pixels: bool, tmp_path: Path
) -> None:
    card = ModelCard(labels=tuple("abcd"), kind="classification", scale=1 / 127.5, mean=(1.0,))
    request = BuildRequest(
        model=tiny.save(tiny.residual_cnn(), tmp_path / "net.onnx"),
        calibration=(str(write_pictures(tmp_path / "pictures")),),
        destination=tmp_path / "net.edge",
        card=card,
        kept_float="both",
        takes_pixels=takes_pixels,
    )
    report = build_bundle(request)
    found = {each.artifact: each for each in report.report.parity}
    assert found["model.float32.onnx"].snr_db > 90
    assert found["model.float32.tflite"].snr_db > 90
    assert all(each.is_passed for each in run_selftest(report.destination))
    with edge.load(report.destination) as model:
        spec = model.parts.engine.inputs[0]
        assert np.dtype(spec.dtype) == (np.uint8 if takes_pixels else np.float32)
