"""A model file of any kind, told by its content -> a static ONNX model."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.errors import InputError, InputNotFoundError, UnsupportedInputError
from quantize.importers.onnx_importer import load_static_onnx
from quantize.importers.static_shapes import fix_input_shapes
from quantize.importers.torch_archive import is_torch_export

__all__ = ["load_any_model"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_OFFSETS = (0, 512, 1024, 2048)
_ZIP = b"PK\x03\x04"
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_GZIP, _SEVEN_ZIP, _TEXT = b"\x1f\x8b", b"7z\xbc\xaf", (b"{", b"<", b"[")
_HEAD_BYTES = 4096

_PYTORCH_WAY = (
    "from Python: torch.export.save(torch.export.export(model.eval(), inputs), 'model.pt2')"
)
_TENSORFLOW_WAY = "convert it: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx"
_PICKLED_SUFFIXES = frozenset({".pkl", ".pickle", ".joblib", ".sav"})


def load_any_model(
    path: Path,
    *,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    assume_no_padding: bool = False,
) -> Any:
    """Read an ONNX, Keras (`.keras`, HDF5) or PyTorch (`.pt2`) model, whatever its name ends in.

    Args:
        path: the model file.
        input_shapes: full shapes by input name, where the model leaves more open than the batch.
        assume_no_padding: for Keras models: take masks as if no step were ever masked.

    Returns:
        `onnx.ModelProto`, checked, with static inputs, batch 1.

    Raises:
        InputNotFoundError: there is no such file.
        UnsupportedInputError: a kind that is not read; the message says how to export it.
        InputError: damaged.
        EngineNotInstalledError: the extra for this kind is missing.
        UsageError: `input_shapes` does not fit the model.
    """
    if path.is_dir():
        raise UnsupportedInputError(_about_folder(path))
    if not path.is_file():
        raise InputNotFoundError(f"{path}: no such model file; give an existing one")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if any(head[at : at + len(_HDF5)] == _HDF5 for at in _HDF5_OFFSETS):
        return _load_keras(path, input_shapes, assume_no_padding=assume_no_padding)
    if head.startswith(_ZIP):
        names = _member_names(path)
        if "config.json" in names:
            return _load_keras(path, input_shapes, assume_no_padding=assume_no_padding)
        if is_torch_export(names):
            return _load_torch(path, input_shapes)
        raise UnsupportedInputError(f"{path}: {_about_archive(names)}")
    refusal = _about_bytes(head, path.suffix.lower())
    if refusal is not None:
        raise UnsupportedInputError(f"{path}: {refusal}")
    return load_static_onnx(path, input_shapes=input_shapes)


def _load_keras(
    path: Path, shapes: Mapping[str, tuple[int, ...]] | None, *, assume_no_padding: bool
) -> Any:
    from quantize.importers.keras.build_model import load_keras_model

    return load_keras_model(path, input_shapes=shapes, assume_no_padding=assume_no_padding)


def _load_torch(path: Path, shapes: Mapping[str, tuple[int, ...]] | None) -> Any:
    from quantize.importers.torch_export import load_torch_export

    model = load_torch_export(path)
    fix_input_shapes(model, shapes)
    return model


def _member_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception as error:  # zipfile raises almost any kind on damaged bytes
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: damaged zip archive: {reason}") from error


def _about_folder(path: Path) -> str:
    if (path / "saved_model.pb").is_file():
        return (
            f"{path}: a TensorFlow SavedModel; {_TENSORFLOW_WAY}, or save the Keras model "
            "itself: model.save('model.keras')"
        )
    return f"{path}: a folder; give a model file: .onnx, .keras, .h5 or .pt2"


def _about_archive(names: list[str]) -> str:
    inside = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inside:
        return (
            "a TorchScript file, which runs code when it is loaded; export the model "
            f"{_PYTORCH_WAY}"
        )
    if "data.pkl" in inside:
        return f"a PyTorch pickle, which runs code when it is loaded; export it {_PYTORCH_WAY}"
    if any(name.endswith(".npy") for name in names):
        return "a NumPy archive; it holds arrays and no model"
    return "a zip archive without a model; .keras and .pt2 files are read, so unpack it first"


def _about_bytes(head: bytes, suffix: str) -> str | None:
    """Why content that is not a zip or HDF5 file cannot be read; None for what may be ONNX."""
    if head[4:8] == b"TFL3":
        return (
            "a TFLite model, which is already converted; give the float model that it was made "
            "from: .onnx, .keras, .h5 or .pt2"
        )
    if head.startswith(_PICKLES) or suffix in _PICKLED_SUFFIXES:
        return (
            "a Python pickle, which runs code when it is loaded, so it never is; export a PyTorch "
            f"model {_PYTORCH_WAY}; a scikit-learn one with skl2onnx"
        )
    if suffix in {".pt", ".pth", ".ckpt"}:
        return f"PyTorch weights without a program; export the model {_PYTORCH_WAY}"
    if suffix in {".pb", ".pbtxt"}:
        return f"a TensorFlow graph; {_TENSORFLOW_WAY}"
    if head.startswith((_GZIP, _SEVEN_ZIP)):
        return "a packed file; unpack it first"
    if suffix == ".safetensors":
        return f"weights without a program; export the model {_PYTORCH_WAY}"
    if head.lstrip()[:1] in _TEXT and suffix != ".onnx":
        return "a text file; give a model file: .onnx, .keras, .h5 or .pt2"
    return None
