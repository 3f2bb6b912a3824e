"""A model folder as `benchmarks.zoo.bar_models` writes it, read back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.quantizers.outputs import Arrays, length, open_runner, run_all
from benchmarks.peers.quantizers.record import ModelFacts
from edge.errors import InputError

__all__ = ["BarModelFolder", "read_bar_model"]

_FILES = ("model.onnx", "calib.npz", "test.npz", "meta.json")


@dataclass(frozen=True, slots=True)
class BarModelFolder:
    """A model, its examples and the float answers.

    Attributes:
        path: of the folder.
        facts: for the record.
        test: inputs by name, each [N, ...].
        expected: the float model's outputs by name, float32 [N, values].
    """

    path: Path
    facts: ModelFacts
    test: Arrays
    expected: dict[str, NDArray[np.float32]]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The float model's output names, in order."""
        return tuple(self.expected)


def read_bar_model(path: Path) -> BarModelFolder:
    """Read a model folder and compute the float answers.

    Raises:
        InputError: a file is missing or damaged.
        EngineError: onnxruntime refuses the model.
    """
    missing = [name for name in _FILES if not (path / name).is_file()]
    if missing:
        raise InputError(f"{path} has no {missing[0]}; make it with benchmarks.zoo.bar_models")
    meta: dict[str, Any] = json.loads((path / "meta.json").read_text(encoding="utf-8"))
    with np.load(path / "test.npz", allow_pickle=False) as archive:
        test = {name: archive[name] for name in archive.files}
    model = path / "model.onnx"
    data = model.read_bytes()
    facts = ModelFacts(
        name=path.name,
        family=meta["family"],
        sha256=hashlib.sha256(data).hexdigest(),
        float_bytes=len(data),
        weights=meta["weights"],
        inputs=meta["inputs"],
        calibration_examples=meta["calibration_examples"],
        test_examples=length(test),
    )
    return BarModelFolder(path, facts, test, run_all(open_runner(model, ()), test))
