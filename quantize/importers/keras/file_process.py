"""A saved Keras model, read in a process of its own.

libhdf5 trusts its file in places: a damaged one may take minutes or crash it. A child process with
a deadline makes one line of either.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import edge.errors
from edge.doctor.child_process import ChildEnd, run_python
from edge.errors import EdgeError, InputError, InputNotFoundError
from quantize.importers.keras.file_worker import ARRAYS, MODEL
from quantize.importers.keras.model_file import KerasFile

__all__ = ["read_keras_file"]

_CODE = "from quantize.importers.keras.file_worker import main; sys.exit(main(*sys.argv[1:]))"
_DEADLINE_S = 120.0


def read_keras_file(path: Path, *, deadline_s: float = _DEADLINE_S) -> KerasFile:
    """Read a saved Keras model of either kind, told by its first bytes.

    Args:
        path: `.keras`, `.h5` or `.hdf5` file.
        deadline_s: after so many seconds it is given up.

    Raises:
        EngineNotInstalledError: h5py is missing.
        InputNotFoundError: there is no such file.
        InputTooLargeError: over 2 GiB of weights.
        InputError: damaged, or weights without a model.
        OutputError: no room for its arrays in the temporary folder.
    """
    if not path.is_file():
        raise InputNotFoundError(f"{path}: no such model file")
    with tempfile.TemporaryDirectory(prefix="edgedx-") as folder:
        end = run_python(_CODE, str(path), folder, deadline_s=deadline_s)
        if end.code != 0:
            raise _error(path, end)
        return _read(Path(folder))


def _error(path: Path, end: ChildEnd) -> EdgeError:
    if end.code is None:
        return InputError(
            f"{path}: not read after {end.deadline_s:g} seconds; it is damaged: save it again"
        )
    if end.code < 0:
        return InputError(
            f"{path}: reading it crashed the HDF5 library (signal {-end.code}); it is damaged: "
            "save it again"
        )
    try:
        kind, text = json.loads(end.output)
    except ValueError:
        last = end.messages.strip().splitlines()[-1:] or [f"exit code {end.code}"]
        return InputError(f"{path}: cannot be read: {last[0][:300]}")
    found = getattr(edge.errors, kind, InputError)
    is_ours = isinstance(found, type) and issubclass(found, EdgeError)
    return found(text) if is_ours else InputError(text)


def _read(folder: Path) -> KerasFile:
    said: dict[str, Any] = json.loads((folder / MODEL).read_bytes())
    with np.load(folder / ARRAYS, allow_pickle=False) as file:
        arrays: Iterator[NDArray[Any]] = (file[str(at)] for at in range(len(file.files)))
        named = said["arrays"]
        layers = said["layers"]
        return KerasFile(
            config=said["config"],
            major_version=said["major_version"],
            arrays=None if named is None else {name: next(arrays) for name in named},
            layers=None
            if layers is None
            else {name: [next(arrays) for _ in range(count)] for name, count in layers},
        )
