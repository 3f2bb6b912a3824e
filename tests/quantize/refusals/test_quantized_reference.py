"""An int8 file says what data it was calibrated on."""

from pathlib import Path

import numpy as np
import pytest
import tiny_onnx_models as tiny

from edge.decode import decode_image
from edge.errors import InputError
from edge.model_loader import DEFAULT_BUNDLE
from quantize.calibration import calibrate
from quantize.calibration_checks import check_quantized_model, find_unlike_reference
from quantize.importers.onnx_importer import import_model
from quantize.quantizer import quantize_graph
from quantize.refusals.quantized_reference import read_quantized_inputs
from quantize.tflite_model import write_tflite

BROKEN = "models/cxr-mobilenetv3-int8-broken/MobileNetV3Large_int8.tflite"
SOUND = (
    "models/cxr-semobilenet-int8-tflite/covid_classifier.tflite",
    "models/cxr-pneumonia-cnn196-tflite/pneumonia.tflite",
    "ecg-mitbih/classify_heartbeats_cnn_quantized.tflite",
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 file of our own, calibrated on pictures from -1 to 1."""
    path = tmp_path_factory.mktemp("int8") / "model.tflite"
    graph = import_model(tiny.residual_cnn())
    path.write_bytes(write_tflite(quantize_graph(graph, calibrate(graph, tiny.pictures(6)))))
    return path


def pictures(factor: float = 1.0) -> list[dict]:
    return [
        {"image": (factor * each["image"]).astype(np.float32)} for each in tiny.pictures(4, seed=8)
    ]


@pytest.mark.shared_data
def test_the_known_broken_model_is_told_by_its_file_alone(shared_data: Path) -> None:
    (finding,) = check_quantized_model(shared_data / BROKEN)
    assert (finding.name, finding.is_fatal) == ("input-barely-varies", True)
    assert "from 0 to 1" in finding.message
    assert "leaves 2 of 255 steps" in finding.message


@pytest.mark.shared_data
def test_the_known_broken_model_saturates_on_real_films(shared_data: Path) -> None:
    path = shared_data / BROKEN
    name = read_quantized_inputs(path)[0].name
    files = sorted((shared_data / "cxr-kermany" / "test").glob("*/*.jpeg"))[::100]
    films = [decode_image(each.read_bytes(), source=each.name).pixels for each in files]
    examples = [{name: each.astype(np.float32)} for each in films]
    assert "input-saturates" in [each.name for each in check_quantized_model(path, examples)]


@pytest.mark.shared_data
@pytest.mark.parametrize("name", SOUND)
def test_sound_models_are_not_told_of(shared_data: Path, name: str) -> None:
    assert check_quantized_model(shared_data / name) == ()


def test_our_own_file_says_its_range(written: Path) -> None:
    (found,) = read_quantized_inputs(written)
    assert found.low == pytest.approx(-1, abs=0.02)
    assert found.high == pytest.approx(1, abs=0.02)
    assert found.first_levels == 255


def test_our_own_file_takes_such_pictures_and_refuses_others(written: Path) -> None:
    assert check_quantized_model(written, pictures()) == ()
    (finding,) = check_quantized_model(written, pictures(255.0))
    assert finding.name == "input-saturates"


@pytest.mark.parametrize(
    ("factor", "is_alike"), [(1.0, True), (0.5, True), (255.0, False), (1 / 255, False)]
)
def test_examples_are_held_against_a_reference(
    written: Path, factor: float, is_alike: bool
) -> None:
    found = find_unlike_reference(pictures(factor), written)
    assert [each.name for each in found] == ([] if is_alike else ["unlike-reference"])


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"\0\0\0\0TFL3", b"\x1c\0\0\0TFL3" + b"\xff" * 64]
)
def test_what_is_no_tflite_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.tflite is (no|a damaged) TFLite file"):
        read_quantized_inputs(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_quantized_inputs(tmp_path / "none.tflite")


def films(sample_films: list[Path], scale: float, mean: float, std: float) -> list[dict]:
    """Films as the default bundle's model takes them, were its scale, mean and deviation these."""
    found = []
    for each in sample_films:
        pixels = decode_image(each.read_bytes(), source=each.name).pixels[..., :1]
        found.append({"image": ((pixels * scale - mean) / std).astype(np.float32)})
    return found


def test_the_default_bundle_is_sound() -> None:
    assert check_quantized_model(DEFAULT_BUNDLE) == ()


@pytest.mark.parametrize(
    ("scale", "mean", "std", "is_alike"),
    [
        pytest.param(1.0, 127.0, 128.0, True, id="as in its manifest"),
        pytest.param(1.0, 0.0, 1.0, False, id="mean and deviation missing"),
        pytest.param(1 / 255, 127.0 / 255, 128.0, False, id="scaled twice"),
    ],
)
def test_films_are_held_against_the_default_bundle(
    sample_films: list[Path], scale: float, mean: float, std: float, is_alike: bool
) -> None:
    found = find_unlike_reference(films(sample_films, scale, mean, std), DEFAULT_BUNDLE)
    assert [each.name for each in found] == ([] if is_alike else ["unlike-reference"])
    saturated = check_quantized_model(DEFAULT_BUNDLE, films(sample_films, scale, mean, std))
    assert bool(saturated) == (scale == 1.0 and std == 1.0)
