"""Our runtime's inference stage: the engine that `edge-run` would load, called as it calls it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import edge
from benchmarks.peers.engines.workers.serving import Example, ModelRequest, Runner, serve
from benchmarks.peers.engines.workers.tensor_form import (
    input_for,
    match_outputs,
    real_values,
    stored_values,
)
from edge.engines.base import EngineOptions
from edge.engines.selection import create_engine
from edge.tensor_spec import TensorSpec

__all__ = ["open_runner"]


def open_runner(request: ModelRequest) -> Runner:
    """Load an .onnx or .tflite file."""
    name = "onnxruntime" if request.model.suffix == ".onnx" else "litert"
    engine = create_engine(name, request.model.read_bytes(), EngineOptions(request.threads))
    specs = {each.name: each for each in engine.outputs}
    names = match_outputs(list(specs), request.outputs)

    def prepare(example: Example) -> dict[str, NDArray[Any]]:
        return {each.name: _stored(each, example) for each in engine.inputs}

    def read(raw: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        return {
            wanted: real_values(raw[found], (specs[found].scale, specs[found].zero_point))
            for wanted, found in names.items()
        }

    version = f"edgedx {edge.__version__} on {engine.name} {engine.version}"
    return Runner(version, prepare, engine.run, read)


def _stored(spec: TensorSpec, example: Example) -> NDArray[Any]:
    shape = [size or 1 for size in spec.shape]
    values = input_for(spec.name, shape, example)
    return stored_values(values, np.dtype(spec.dtype).type, (spec.scale, spec.zero_point))


if __name__ == "__main__":
    serve(open_runner)
