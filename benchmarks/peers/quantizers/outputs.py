"""Any ONNX or TFLite file on examples -> its outputs by name, dequantized and flattened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import EngineError

__all__ = ["Arrays", "Runner", "example_at", "length", "open_runner", "run_all"]

Arrays = Mapping[str, NDArray[Any]]
Runner = Callable[[Arrays], dict[str, NDArray[np.float32]]]
"""One example, each input [1, ...], to the outputs by name."""


def length(inputs: Arrays) -> int:
    """How many examples there are."""
    return len(next(iter(inputs.values())))


def example_at(inputs: Arrays, index: int) -> Arrays:
    """One example, each input [1, ...]."""
    return {name: values[index : index + 1] for name, values in inputs.items()}


def run_all(runner: Runner, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
    """Every example through a runner: outputs [N, values], flattened."""
    found = [runner(example_at(inputs, index)) for index in range(length(inputs))]
    return {name: np.stack([each[name].reshape(-1) for each in found]) for name in found[0]}


def open_runner(path: Path, outputs: tuple[str, ...], *, threads: int = 1) -> Runner:
    """Load a model file.

    Args:
        path: .onnx or .tflite.
        outputs: the float model's output names, in order.
        threads: of the engine.

    Raises:
        EngineError: the engine refuses the file.
    """
    try:
        if path.suffix == ".onnx":
            return _open_onnx(path, threads)
        return _open_tflite(path, outputs, threads)
    except Exception as error:  # engines have no error root of their own
        raise EngineError(f"{path.name}: {str(error).splitlines()[0]}") from error


def _open_onnx(path: Path, threads: int) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]

    def run(example: Arrays) -> dict[str, NDArray[np.float32]]:
        return dict(zip(names, session.run(names, dict(example)), strict=True))

    return run


def _open_tflite(path: Path, outputs: tuple[str, ...], threads: int) -> Runner:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    input_details = interpreter.get_input_details()
    output_details = _by_name(interpreter.get_output_details(), outputs)

    def run(example: Arrays) -> dict[str, NDArray[np.float32]]:
        for detail in input_details:
            interpreter.set_tensor(detail["index"], _input(detail, example))
        # Sequence operators keep their state between calls.
        interpreter.reset_all_variables()
        interpreter.invoke()
        return {
            name: _dequantized(detail, interpreter.get_tensor(detail["index"]))
            for name, detail in output_details.items()
        }

    return run


def _by_name(details: list[dict[str, Any]], outputs: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Output details by the float model's names; converters rename, but keep a single output."""
    if len(details) == len(outputs) == 1:
        return {outputs[0]: details[0]}
    return {name: next(each for each in details if name in each["name"]) for name in outputs}


def _input(detail: dict[str, Any], example: Arrays) -> NDArray[Any]:
    values = example[_matching_name(detail, example)]
    shape = tuple(detail["shape"])
    if values.shape != shape:
        values = np.moveaxis(values, 1, -1)
    if values.shape != shape:
        raise ValueError(f"input '{detail['name']}' is {shape}, the examples {values.shape}")
    scale, zero_point = detail["quantization"]
    if np.issubdtype(detail["dtype"], np.integer) and scale:
        limits = np.iinfo(detail["dtype"])
        values = np.clip(np.round(values / scale) + zero_point, limits.min, limits.max)
    return np.ascontiguousarray(values.astype(detail["dtype"]))


def _matching_name(detail: dict[str, Any], example: Arrays) -> str:
    plain = detail["name"].split(":")[0]
    matching = [name for name in example if plain.endswith(name)]
    if not matching:
        matching = [
            name
            for name, values in example.items()
            if sorted(values.shape) == sorted(detail["shape"])
        ]
    return max(matching, key=len)


def _dequantized(detail: dict[str, Any], values: NDArray[Any]) -> NDArray[np.float32]:
    scale, zero_point = detail["quantization"]
    if np.issubdtype(values.dtype, np.integer) and scale:
        return np.asarray((values.astype(np.float32) - zero_point) * scale, np.float32)
    return np.array(values, np.float32)
