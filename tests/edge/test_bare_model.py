"""Bare model files run with what they or the user say, and never on a guess."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import edge
from edge.bare_model import BareModelOptions, parse_numbers, parse_size
from edge.model_loader import LoadOptions


def save_mean_model(path: Path, *, channels: int = 1, side: int | str = 4) -> Path:
    """Mean of the first channel, and its negative."""
    weights = np.zeros((2, channels), np.float32)
    weights[:, 0] = (1.0, -1.0)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights"], ["out"], transB=1),
        ],
        "mean",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, side, side])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def load(path: Path, **options: object) -> edge.Model:
    return edge.load(path, options=LoadOptions(bare=BareModelOptions(**options)))  # type: ignore[arg-type]


def grey(tmp_path: Path, left: int, right: int) -> Path:
    path = tmp_path / "grey.png"
    pixels = np.full((4, 4), left, np.uint8)
    pixels[:, 2:] = right
    cv2.imwrite(str(path), pixels)
    return path


def test_options_say_how_pixels_become_values(tmp_path: Path) -> None:
    model = load(save_mean_model(tmp_path / "m.onnx"), scale=0.5, mean=(10.0,), std=(2.0,))
    result = model.run(grey(tmp_path, 100, 200))
    expected = (150 * 0.5 - 10) / 2
    scores = [score.score for score in result.outputs[0].scores]
    assert scores == pytest.approx([expected, -expected])
    assert [score.label for score in result.outputs[0].scores] == ["output 0", "output 1"]


def test_options_say_how_the_output_is_read(tmp_path: Path) -> None:
    model = load(
        save_mean_model(tmp_path / "m.onnx"),
        scale=1 / 255,
        labels=("bright", "dark"),
        activation="sigmoid",
        kind="multilabel",
    )
    result = model.run(grey(tmp_path, 240, 254))
    assert result.decision == ("bright",)
    assert 0 < result.outputs[0].scores[1].score < 0.5


def test_a_file_that_does_not_say_its_values_is_not_run_on_a_guess(tmp_path: Path) -> None:
    with pytest.raises(edge.UsageError, match="--scale"):
        load(save_mean_model(tmp_path / "m.onnx"))


def test_a_file_that_leaves_its_size_open_asks_for_it(tmp_path: Path) -> None:
    path = save_mean_model(tmp_path / "m.onnx", side="side")
    with pytest.raises(edge.UsageError, match="--size"):
        load(path, scale=1.0)
    model = load(path, scale=1.0, size=(4, 4))
    assert model.run(grey(tmp_path, 100, 200)).outputs[0].scores[0].score == pytest.approx(150)


@pytest.mark.parametrize(
    ("channels", "colour", "expected"),
    [
        pytest.param(3, None, 30.0, id="rgb-by-default"),
        pytest.param(3, "bgr", 10.0, id="bgr"),
    ],
)
def test_colour_order_is_as_asked(
    tmp_path: Path, channels: int, colour: str | None, expected: float
) -> None:
    picture = tmp_path / "colour.png"
    pixels = np.empty((4, 4, 3), np.uint8)
    pixels[:] = (10, 20, 30)  # as OpenCV writes it: blue, green, red
    pixels[:, :2] -= 8
    pixels[:, 2:] += 8
    cv2.imwrite(str(picture), pixels)
    model = load(save_mean_model(tmp_path / "m.onnx", channels=channels), scale=1.0, colour=colour)
    assert model.run(picture).outputs[0].scores[0].score == pytest.approx(expected)


def test_a_model_of_something_else_than_pictures_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "series",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 12, 500])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 12, 500])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "series.onnx")
    with pytest.raises(edge.UnsupportedInputError, match="four dimensions"):
        load(tmp_path / "series.onnx", scale=1.0)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        pytest.param("m.onnx", b"", edge.BundleError, id="empty-onnx"),
        pytest.param("m.tflite", b"", edge.BundleError, id="empty-tflite"),
        pytest.param("m.onnx", b"rubbish" * 20, edge.EdgeError, id="rubbish-onnx"),
        pytest.param("m.tflite", b"rubbish" * 20, edge.BundleError, id="rubbish-tflite"),
        pytest.param("m.tflite", b"\0\0\0\0TFL3" + b"\0" * 40, edge.BundleError, id="hollow"),
    ],
)
def test_a_file_that_is_no_model_is_one_line(
    tmp_path: Path, name: str, content: bytes, error: type[Exception]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        load(path, scale=1.0)
    assert "\n" not in str(caught.value)


def test_external_data_is_refused(tmp_path: Path) -> None:
    path = save_mean_model(tmp_path / "m.onnx")
    onnx.save(
        onnx.load(path),
        tmp_path / "external.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    with pytest.raises(edge.BundleError, match="external"):
        load(tmp_path / "external.onnx", scale=1.0)


def test_the_wrong_engine_for_a_file_is_wrong_use(tmp_path: Path) -> None:
    path = save_mean_model(tmp_path / "m.onnx")
    with pytest.raises(edge.UsageError, match="runs on onnxruntime"):
        edge.load(path, engine="litert")


@pytest.mark.parametrize("text", ["", "a", "1,,2", "nan", "inf"])
def test_numbers_that_are_none_are_wrong_use(text: str) -> None:
    with pytest.raises(edge.UsageError, match="--mean"):
        parse_numbers("--mean", text)


@pytest.mark.parametrize("scale", [0.0, float("nan"), float("inf")])
def test_a_senseless_scale_is_wrong_use(tmp_path: Path, scale: float) -> None:
    with pytest.raises(edge.UsageError, match="scale"):
        load(save_mean_model(tmp_path / "m.onnx"), scale=scale)


def test_labels_that_repeat_are_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(edge.UsageError, match="labels"):
        load(save_mean_model(tmp_path / "m.onnx"), scale=1.0, labels=("a", "a"))


@pytest.mark.parametrize(
    "text", ["9999999x9999999", "9" * 5000 + "x4", "", "224", "0x4", "-4x4", "axb", "224x"]
)
def test_sizes_that_are_none_are_wrong_use(text: str) -> None:
    with pytest.raises(edge.UsageError, match="--size"):
        parse_size("--size", text)


@pytest.mark.shared_data
def test_a_published_tflite_model_runs_bare(shared_data: Path) -> None:
    """AUROC 0.97 of pneumonia on these films is its origin's; here it must tell these apart."""
    [path] = (shared_data / "models" / "cxr-pneumonia-cnn196-tflite").glob("*.tflite")
    model = load(path, scale=1 / 255, labels=("normal", "pneumonia"))
    films = shared_data / "cxr-kermany" / "test"
    decisions = {
        kind: [model.run(film).top.label for film in sorted((films / kind).iterdir())[:20]]
        for kind in ("NORMAL", "PNEUMONIA")
    }
    assert decisions["NORMAL"].count("normal") >= 15
    assert decisions["PNEUMONIA"].count("pneumonia") >= 15


@pytest.mark.shared_data
def test_a_full_integer_tflite_model_runs_bare(shared_data: Path) -> None:
    """uint8 in and out: the steps are the model's, the values the user's."""
    [path] = (shared_data / "models" / "cxr-semobilenet-int8-tflite").glob("*.tflite")
    model = load(path, scale=1 / 255, labels=("COVID-19", "Normal", "Pneumonia"))
    film = min((shared_data / "cxr-kermany" / "test" / "PNEUMONIA").iterdir())
    result = model.run(film)
    assert result.precision == "int8"
    [output] = model.parts.engine.outputs
    assert (output.dtype, output.is_quantized) == ("uint8", True)
    steps = np.array([score.score for score in result.outputs[0].scores]) / output.scale
    assert np.abs(steps - steps.round()).max() < 1e-3
    assert len(set(steps.round())) > 1


@pytest.mark.shared_data
def test_a_model_that_xnnpack_cannot_prepare_is_survived(shared_data: Path) -> None:
    [path] = (shared_data / "models" / "cxr-mobilenetv3-int8-broken").glob("*.tflite")
    film = min((shared_data / "cxr-kermany" / "test" / "NORMAL").iterdir())
    result = load(path, scale=1.0).run(film)
    assert json.dumps([score.score for score in result.outputs[0].scores])
