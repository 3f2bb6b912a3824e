"""LiteRT's interpreter with XNNPACK, which it applies itself."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers.engines.workers.serving import Example, ModelRequest, Runner, serve
from benchmarks.peers.engines.workers.tensor_form import (
    input_for,
    match_outputs,
    real_values,
    stored_values,
)

__all__ = ["open_runner"]

_Prepared = list[tuple[int, NDArray[Any]]]


def open_runner(request: ModelRequest) -> Runner:
    """Load a .tflite file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(request.model), num_threads=request.threads)
    interpreter.allocate_tensors()
    inputs = interpreter.get_input_details()
    outputs = {each["name"]: each for each in interpreter.get_output_details()}
    names = match_outputs(list(outputs), request.outputs)

    def prepare(example: Example) -> _Prepared:
        return [(each["index"], _stored(each, example)) for each in inputs]

    def infer(prepared: _Prepared) -> list[NDArray[Any]]:
        # Sequence operators keep their state between calls.
        interpreter.reset_all_variables()
        for index, values in prepared:
            interpreter.set_tensor(index, values)
        interpreter.invoke()
        return [interpreter.get_tensor(outputs[found]["index"]) for found in names.values()]

    def read(raw: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {
            wanted: real_values(values, outputs[found]["quantization"])
            for (wanted, found), values in zip(names.items(), raw, strict=True)
        }

    return Runner(f"ai-edge-litert {version('ai-edge-litert')}", prepare, infer, read)


def _stored(detail: dict[str, Any], example: Example) -> NDArray[Any]:
    values = input_for(detail["name"], [int(size) for size in detail["shape"]], example)
    return stored_values(values, detail["dtype"], detail["quantization"])


if __name__ == "__main__":
    serve(open_runner)
