"""Child process of `file_process`: a saved Keras model -> plain JSON and plain arrays.

It prints why it could not be done: a JSON array of an error's class in `edge.errors` and its text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import EdgeError, OutputError
from quantize.importers.keras.model_file import KerasFile, parse_keras_file

__all__ = ["ARRAYS", "MODEL", "main"]

MODEL, ARRAYS = "model.json", "arrays.npz"


def main(source: str, folder: str) -> int:
    """Read one file.

    Args:
        source: the model's file.
        folder: where `MODEL` and `ARRAYS` are written.

    Returns:
        0, or 1 with the reason printed.
    """
    try:
        _write(parse_keras_file(Path(source)), Path(folder))
    except EdgeError as error:
        print(json.dumps([type(error).__name__, str(error)]))  # noqa: T201 - for the parent
        return 1
    return 0


def _write(found: KerasFile, folder: Path) -> None:
    layers = None if found.layers is None else [(k, len(v)) for k, v in found.layers.items()]
    said = {
        "config": found.config,
        "major_version": found.major_version,
        "arrays": None if found.arrays is None else list(found.arrays),
        "layers": layers,
    }
    arrays = list((found.arrays or {}).values())
    arrays += [each for some in (found.layers or {}).values() for each in some]
    try:
        (folder / MODEL).write_text(json.dumps(said), encoding="utf-8")
        named: dict[str, Any] = {str(at): each for at, each in enumerate(arrays)}
        np.savez(folder / ARRAYS, **named)
    except OSError as error:
        raise OutputError(
            f"no room for the model's weights in {folder}: {error.strerror or error}; set TMPDIR "
            "to a folder with room"
        ) from error
