"""A network and its examples -> the four files of a bar model, checked against PyTorch."""

# ruff: noqa: TID253 - the network is exported by torch

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edge.errors import OutputError

__all__ = ["OPSET", "BarModel", "write_bar_model"]

OPSET = 17
_TOLERANCE = 1e-3
_CHECKED = 4

Inputs = Mapping[str, NDArray[np.float32] | NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class BarModel:
    """What is written beside the network.

    Attributes:
        name: of the folder.
        weights: where they come from, in words.
        inputs: what the examples are, in words.
        seed: of weights and batches; None where the weights are given.
        loss: at the last training step; None where the weights are given.
        output: name of the output.
        family: "cnn", "attention" or "recurrent".
    """

    name: str
    weights: str
    inputs: str
    seed: int | None
    loss: float | None
    output: str
    family: str


def write_bar_model(
    folder: Path,
    model: nn.Module,
    about: BarModel,
    calibration: Inputs,
    test: Inputs,
    labels: NDArray[np.int64],
) -> float:
    """Write `model.onnx`, `calib.npz`, `test.npz` and `meta.json` into a folder.

    Args:
        folder: made where it is missing.
        model: in evaluation mode.
        about: written to `meta.json`.
        calibration: by input name, each [N, ...].
        test: likewise.
        labels: of the test examples, int64 [N].

    Returns:
        Greatest difference between onnxruntime and PyTorch, over the outputs' deviation.

    Raises:
        OutputError: the exported file answers otherwise than the network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    first = tuple(torch.from_numpy(values[:1]) for values in test.values())
    with warnings.catch_warnings():
        # The exporter warns of shapes that it records as constants: they are fixed here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            first,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(test),
            output_names=[about.output],
        )
    difference = _difference(path, model, test)
    if not difference <= _TOLERANCE:
        raise OutputError(f"'{path}' differs from PyTorch by {difference:.2g} deviations")
    _save(folder / "calib.npz", calibration)
    _save(folder / "test.npz", test)
    meta = {
        **asdict(about),
        "opset": OPSET,
        "calibration_examples": _length(calibration),
        "test_examples": _length(test),
        "test_labels": labels.tolist(),
        "torch": torch.__version__,
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    return difference


def _save(path: Path, inputs: Inputs) -> None:
    arrays: dict[str, Any] = dict(inputs)
    np.savez(path, **arrays)


def _length(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))


def _difference(path: Path, model: nn.Module, test: Inputs) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found, expected = [], []
    with torch.no_grad():
        for index in range(_CHECKED):
            example = {name: values[index : index + 1] for name, values in test.items()}
            found.append(session.run(None, example)[0])
            expected.append(model(*(torch.from_numpy(each) for each in example.values())).numpy())
    deviation = max(float(np.std(np.stack(expected))), 1e-9)
    return float(np.abs(np.stack(found) - np.stack(expected)).max()) / deviation
