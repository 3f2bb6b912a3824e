"""A `.keras` archive or a Keras HDF5 file -> configuration and weights, nothing executed."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edge.errors import EdgeError, InputError, InputNotFoundError, InputTooLargeError
from quantize.importers.keras.hdf5_file import (
    LARGEST_WEIGHTS_BYTES,
    attribute_names,
    open_hdf5,
    read_arrays,
    read_attribute,
    read_group,
)

__all__ = ["KerasFile", "parse_keras_file"]

_LARGEST_CONFIG_BYTES = 64 * 1024**2
_ZIP = b"PK\x03\x04"
_WEIGHTS_MEMBERS = ("model.weights.h5",)
_OLDEST_MAJOR = 2


@dataclass(frozen=True, slots=True)
class KerasFile:
    """What a saved model says.

    Attributes:
        config: serialized model: `class_name` and `config`.
        major_version: of the Keras that wrote it, 2 or 3; some activations differ.
        arrays: of a `.keras` archive: weights by path, such as `layers/dense/vars/0`.
        layers: of an HDF5 file: weights of each top layer by the layer's name, in Keras' order.
    """

    config: Mapping[str, Any]
    major_version: int
    arrays: Mapping[str, NDArray[Any]] | None = None
    layers: Mapping[str, Sequence[NDArray[Any]]] | None = None


def parse_keras_file(path: Path) -> KerasFile:
    """Read a saved Keras model of either kind, told by its first bytes, in this very process.

    A damaged file may make libhdf5 crash or take minutes: `file_process` has both in hand.

    Args:
        path: `.keras`, `.h5` or `.hdf5` file.

    Raises:
        EngineNotInstalledError: h5py is missing.
        InputNotFoundError: there is no such file.
        InputTooLargeError: over 2 GiB of weights.
        InputError: damaged, or weights without a model.
    """
    if not path.is_file():
        raise InputNotFoundError(f"{path}: no such model file")
    with path.open("rb") as file:
        is_archive = file.read(len(_ZIP)) == _ZIP
    read: Callable[[Path], KerasFile] = _read_archive if is_archive else _read_hdf5
    try:
        return read(path)
    except EdgeError as error:
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:  # h5py and zipfile raise almost any kind on damaged bytes
        raise InputError(f"{path}: damaged Keras model: {_one_line(error)}") from error


def _read_archive(path: Path) -> KerasFile:
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if "config.json" not in names:
            raise InputError(f"{path}: no config.json inside, so it is not a .keras model")
        config = _json_object(_member(archive, "config.json", _LARGEST_CONFIG_BYTES), path)
        metadata: dict[str, Any] = {}
        if "metadata.json" in names:
            metadata = _json_object(_member(archive, "metadata.json", _LARGEST_CONFIG_BYTES), path)
        member = next((name for name in _WEIGHTS_MEMBERS if name in names), None)
        if member is None:
            raise InputError(f"{path}: no model.weights.h5 inside; save the whole model again")
        weights = _member(archive, member, LARGEST_WEIGHTS_BYTES)
    with open_hdf5(io.BytesIO(weights), str(path)) as file:
        arrays = read_arrays(file, skip=("optimizer", "_optimizer"))
    major = _major_version(str(metadata.get("keras_version", "3")), path)
    return KerasFile(config=config, major_version=major, arrays=arrays)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read one member; never more than `limit` bytes, whatever the archive claims."""
    with archive.open(name) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputTooLargeError(f"'{name}' is over {limit} bytes; no more is supported")
    return data


def _read_hdf5(path: Path) -> KerasFile:
    with path.open("rb") as stream, open_hdf5(stream, str(path)) as file:
        if "model_config" not in file.attrs:
            raise InputError(
                f"{path}: an HDF5 file without a model; if it holds weights only, load them in "
                "Keras and save the whole model: model.save('model.keras')"
            )
        text = read_attribute(file, "model_config", _LARGEST_CONFIG_BYTES)
        config = _json_object(text.encode() if isinstance(text, str) else bytes(text), path)
        has_version = "keras_version" in file.attrs
        stated = read_attribute(file, "keras_version") if has_version else "2"
        version = stated.decode() if isinstance(stated, bytes) else str(stated)
        weights = read_group(file, "model_weights")
        if weights is None:
            raise InputError(f"{path}: no 'model_weights' inside; save the whole model again")
        layers = {name: _layer_arrays(weights, name) for name in weights}
    return KerasFile(config=config, major_version=_major_version(version, path), layers=layers)


def _layer_arrays(weights: Any, name: str) -> list[NDArray[Any]]:
    group = read_group(weights, name)
    if group is None:
        return []
    found = read_arrays(group)
    wanted = attribute_names(group, "weight_names")
    missing = [each for each in wanted if each not in found]
    if missing:
        raise InputError(f"weight '{missing[0]}' of layer '{name}' is missing; it is damaged")
    return [found[each] for each in wanted]


def _json_object(text: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its configuration is not JSON: {_one_line(error)}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: its configuration is a {type(value).__name__}, not an object")
    return value


def _major_version(version: str, path: Path) -> int:
    match = re.match(r"\d+", version)
    major = int(match.group()) if match else _OLDEST_MAJOR
    if major < _OLDEST_MAJOR:
        raise InputError(f"{path}: written by Keras {version}; Keras 2 and 3 files are read")
    return major


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
