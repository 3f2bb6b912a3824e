"""Bundles as model folders, so that other engines get the tensors that our pipeline makes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import edge
from benchmarks.peers.engines.float_form import float_form
from benchmarks.peers.quantizers.artifact_files import artifact_path, tflite_path
from benchmarks.peers.quantizers.record import OURS
from edge.bundle.reader import Bundle, open_bundle
from edge.engines.base import Engine
from edge.frame import Frame
from edge.model_loader import DEFAULT_BUNDLE
from edge.record import Record
from edge.selftest import read_golden
from edge.tensor_spec import TensorSpec

__all__ = ["BUNDLES", "BundleModel", "write_model_folder"]

_VARIANTS = 16
_SEED = 1
_JITTER = 0.05


@dataclass(frozen=True, slots=True)
class BundleModel:
    """A bundle of the zoo.

    Attributes:
        name: of its model folder.
        family: "cnn", "attention" or "recurrent".
        bundle: the file.
        float_model: its float ONNX file; None where none is kept.
    """

    name: str
    family: str
    bundle: Path
    float_model: Path | None


_ZOO = Path(__file__).parents[2] / "zoo"

BUNDLES: Mapping[str, BundleModel] = {
    each.name: each
    for each in (
        BundleModel("chest_xray", "cnn", DEFAULT_BUNDLE, None),
        BundleModel(
            "disease_risk_lstm",
            "recurrent",
            _ZOO / "disease_risk_lstm" / "disease_risk_lstm.edge",
            _ZOO / "disease_risk_lstm" / "model.onnx",
        ),
    )
}


class _RecordingEngine:
    """Passes an engine's calls on and keeps the tensors that it was given."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.tensors: list[dict[str, NDArray[Any]]] = []

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def version(self) -> str:
        return self._engine.version

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._engine.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._engine.outputs

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.tensors.append({name: values.copy() for name, values in tensors.items()})
        return self._engine.run(tensors)

    def close(self) -> None:
        self._engine.close()


def write_model_folder(model: BundleModel, work: Path) -> Path:
    """Write the folder that `benchmarks.zoo.bar_models` would write for such a model.

    Its examples are the tensors that the pipeline makes of the bundle's golden inputs and of
    mirrored, shifted or jittered forms of them: half to calibrate with, half to judge by.

    Args:
        model: which.
        work: folder of model folders; the bundle's int8 files go where our toolchain's would.

    Returns:
        The folder.

    Raises:
        BundleError: the bundle is refused.
    """
    folder = work / model.name
    folder.mkdir(parents=True, exist_ok=True)
    with open_bundle(model.bundle) as bundle:
        files = {each.engine: bundle.read(each.path) for each in bundle.manifest.artifacts}
        tensors = _tensors(model, bundle)
    onnx = artifact_path(work, model.name, OURS, "default", "onnxruntime")
    onnx.parent.mkdir(parents=True, exist_ok=True)
    onnx.write_bytes(files["onnxruntime"])
    tflite_path(onnx).write_bytes(files["litert"])
    source = float_form(files["onnxruntime"]) if model.float_model is None else None
    (folder / "model.onnx").write_bytes(source or _read(model.float_model))
    _write_examples(folder / "calib.npz", tensors[0::2])
    _write_examples(folder / "test.npz", tensors[1::2])
    meta = {
        "family": model.family,
        "weights": "of the bundle" if model.float_model else "of the bundle, back from int8",
        "inputs": "golden inputs of the bundle, varied",
        "calibration_examples": len(tensors[0::2]),
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
    return folder


def _read(path: Path | None) -> bytes:
    return b"" if path is None else path.read_bytes()


def _write_examples(path: Path, tensors: list[dict[str, NDArray[Any]]]) -> None:
    stacked = {name: np.concatenate([each[name] for each in tensors]) for name in tensors[0]}
    with path.open("wb") as file:
        np.savez_compressed(file, **stacked)  # type: ignore[arg-type]  # keywords are names


def _tensors(model: BundleModel, bundle: Bundle) -> list[dict[str, NDArray[Any]]]:
    with edge.load(model.bundle, engine="onnxruntime", threads=1) as loaded:
        engine = _RecordingEngine(loaded.parts.engine)
        recording = edge.Model(replace(loaded.parts, engine=engine))
        for source in _sources(bundle, loaded.parts):
            recording.run(source)
    return engine.tensors


def _sources(bundle: Bundle, parts: Any) -> Iterator[Frame | Record]:
    rng = np.random.default_rng(_SEED)
    for index in range(_VARIANTS):
        for golden in bundle.manifest.golden:
            found = read_golden(bundle.read(golden.input), parts, golden.input)
            if isinstance(found, Frame):
                yield _varied_picture(found, index)
            else:
                yield _varied_record(found, rng, index)


def _varied_picture(frame: Frame, index: int) -> Frame:
    pixels = np.roll(frame.pixels, 4 * (index // 2), axis=1)
    return replace(frame, pixels=np.ascontiguousarray(pixels[:, ::-1] if index % 2 else pixels))


def _varied_record(record: Record, rng: np.random.Generator, index: int) -> Record:
    values = {
        name: _jittered(np.asarray(each, np.float32), rng, index)
        for name, each in record.values.items()
    }
    return replace(record, values=values)


def _jittered(
    values: NDArray[np.float32], rng: np.random.Generator, index: int
) -> NDArray[np.float32]:
    """A twentieth up or down; the first form of each is as it was, and gaps stay gaps."""
    noise = rng.standard_normal(values.shape) if index else np.zeros(values.shape)
    return np.asarray(values * (1.0 + _JITTER * noise), np.float32)
