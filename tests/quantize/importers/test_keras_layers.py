"""Every layer answers as Keras did when its answers were recorded by `record_keras_cases`."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from keras_cases import CASES, ONLY_ARCHIVE

from quantize.importers.keras.build_model import LAYERS, convert_keras_file
from quantize.importers.keras.model_file import parse_keras_file
from quantize.onnx_session import open_session, run_session

TOLERANCE = 1e-4
RECORDED = Path(__file__).with_name("keras_cases.zip")


def read_here(path: Path, **options: object):
    """As `load_keras_model`, but the file is read in this process, which is faster."""
    return convert_keras_file(parse_keras_file(path), str(path), **options)


def recorded(name: str) -> bytes:
    with zipfile.ZipFile(RECORDED) as archive:
        return archive.read(name)


def recorded_answers(name: str) -> tuple[list, list]:
    """Inputs and outputs of a case, in the model's order."""
    with np.load(io.BytesIO(recorded(f"{name}.npz"))) as arrays:
        inputs = [arrays[key] for key in arrays.files if key.startswith("in")]
        return inputs, [arrays[key] for key in arrays.files if key.startswith("out")]


def run(model, inputs: list) -> list:
    session = open_session(model.SerializeToString(), threads=1)
    named = {
        info.name: values.astype(np.int32 if info.type.tensor_type.elem_type == 6 else np.float32)
        for info, values in zip(model.graph.input, inputs, strict=True)
    }
    return run_session(session, [each.name for each in model.graph.output], named)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        pytest.param(name, suffix, id=f"{name}{suffix}")
        for name in CASES
        for suffix in ([".keras"] if name in ONLY_ARCHIVE else [".keras", ".h5"])
    ],
)
def test_a_model_answers_as_keras_does(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(recorded(f"{name}{suffix}"))
    inputs, expected = recorded_answers(name)
    actual = run(read_here(path), inputs)
    assert [each.shape for each in actual] == [each.shape for each in expected]
    for wanted, found in zip(expected, actual, strict=True):
        span = float(np.ptp(wanted)) or 1.0
        assert float(np.abs(wanted - found).max()) / span < TOLERANCE


def test_every_layer_that_is_read_is_in_a_case() -> None:
    training_only = {name for name in LAYERS if name.startswith("Random")} | {
        *("SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout"),
        *("GaussianNoise", "ActivityRegularization", "Identity"),
    }
    keras_2_only = {"ThresholdedReLU", "SyncBatchNormalization"}
    used: set[str] = set()
    with zipfile.ZipFile(RECORDED) as archive:
        for name in archive.namelist():
            if name.endswith(".keras"):
                with zipfile.ZipFile(io.BytesIO(archive.read(name))) as model:
                    text = model.read("config.json").decode()
                used |= {each for each in LAYERS if f'"class_name": "{each}"' in text}
    assert set(LAYERS) - used - training_only - keras_2_only == set()


def test_the_same_file_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(recorded("masked gru, both ways.keras"))
    first, second = (read_here(path).SerializeToString() for _ in range(2))
    assert first == second


def test_the_documentation_names_exactly_the_layers_that_are_read() -> None:
    text = (Path(__file__).parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")
    listed = text.partition("several inputs and outputs. Layers:")[2].partition("and the arith")[0]
    assert listed.split() == sorted(LAYERS)
