"""A model is told by its content; what is not read is refused with the way to export it."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import tiny_onnx_models as tiny
from test_keras_layers import recorded

from edge.errors import EdgeError, InputError, InputNotFoundError, UnsupportedInputError
from quantize.importers.any_model import load_any_model


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return packed.getvalue()


@pytest.mark.parametrize("name", ["model.onnx", "model.bin", "model"])
def test_an_onnx_model_is_read_whatever_its_name(name: str, tmp_path: Path) -> None:
    model = load_any_model(tiny.save(tiny.residual_cnn(), tmp_path / name))
    sizes = [each.dim_value for each in model.graph.input[0].type.tensor_type.shape.dim]
    assert sizes == [1, 3, 16, 16]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_keras_model_is_read_whatever_its_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(recorded(f"sequential{suffix}"))
    model = load_any_model(path)
    assert [each.name for each in model.graph.input] == ["picture"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param(
            "model.tflite", b"\x1c\0\0\0TFL3" + bytes(64), "a TFLite model.*float", id="tflite"
        ),
        pytest.param("model.pth", zipped("m/data.pkl"), "pickle.*torch.export.save", id="pth"),
        pytest.param("model.onnx", zipped("m/data.pkl"), "pickle.*torch.export.save", id="named"),
        pytest.param("model.pt", zipped("m/data.pkl", "m/constants.pkl"), "TorchScript", id="ts"),
        pytest.param(
            "model.pkl", pickle.dumps({}, 4), "pickle, which runs code.*skl2onnx", id="pkl"
        ),
        pytest.param("old.pth", pickle.dumps({}, 2), "pickle, which runs code", id="old pth"),
        pytest.param("graph.pb", b"\x0a\x05\x0a", "TensorFlow graph.*tf2onnx", id="pb"),
        pytest.param("model.safetensors", bytes(64), "weights without a program", id="tensors"),
        pytest.param("model.tar.gz", b"\x1f\x8b" + bytes(64), "unpack it first", id="gzip"),
        pytest.param("model.zip", zipped("readme.txt"), "without a model.*unpack", id="zip"),
        pytest.param("arrays.npz", zipped("a.npy"), "arrays and no model", id="npz"),
        pytest.param("model.json", b'{"a": 1}', "a text file", id="json"),
    ],
)
def test_what_is_not_read_is_refused_with_the_way_out(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnsupportedInputError, match=reason) as caught:
        load_any_model(path)
    assert "\n" not in str(caught.value)


def test_a_saved_model_folder_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(UnsupportedInputError, match=r"SavedModel; .*tf2onnx"):
        load_any_model(tmp_path)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInputError, match="a folder; give a model file"):
        load_any_model(tmp_path)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no such model file"):
        load_any_model(tmp_path / "nowhere.keras")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x08", bytes(2000)], ids=repr
)
def test_the_beginning_of_a_model_alone_is_refused_in_one_line(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_any_model(path)
    assert "\n" not in str(caught.value)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    """A pickle that would make a file, under every name that a model may have."""

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Trap()))
    for name in ("a.pt2", "a.pth", "a.keras", "a.onnx", "a.h5", "a.pkl"):
        for content in (packed.getvalue(), pickle.dumps(Trap())):
            path = tmp_path / name
            path.write_bytes(content)
            with pytest.raises(EdgeError):
                load_any_model(path)
    assert not (tmp_path / "sprung").exists()
