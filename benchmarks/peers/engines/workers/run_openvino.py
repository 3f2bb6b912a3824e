"""OpenVINO on the CPU, for latency, tensors shared instead of copied."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from benchmarks.peers.engines.workers.serving import Example, ModelRequest, Runner, serve

__all__ = ["open_runner"]


def open_runner(request: ModelRequest) -> Runner:
    """Load an .onnx or .xml file; `options` are OpenVINO's own properties."""
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": request.threads,
        "PERFORMANCE_HINT": "LATENCY",
        **request.options,
    }
    compiled = openvino.Core().compile_model(str(request.model), "CPU", settings)
    inference = compiled.create_infer_request()

    def infer(example: Example) -> list[NDArray[Any]]:
        inference.infer(example, share_inputs=True)
        return [inference.get_output_tensor(index).data for index in range(len(request.outputs))]

    def read(raw: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: values.copy() for name, values in zip(request.outputs, raw, strict=True)}

    return Runner(f"openvino {openvino.__version__.split('-')[0]}", dict, infer, read)


if __name__ == "__main__":
    serve(open_runner)
