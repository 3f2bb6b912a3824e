"""onnxruntime as its own documentation says: one session, `run`, the threads asked for."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from benchmarks.peers.engines.workers.serving import Example, ModelRequest, Runner, serve

__all__ = ["open_runner"]


def open_runner(request: ModelRequest) -> Runner:
    """Load an .onnx file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(request.model), options, providers=["CPUExecutionProvider"]
    )
    names = [each.name for each in session.get_outputs()]

    def infer(example: Example) -> list[NDArray[Any]]:
        found: list[NDArray[Any]] = session.run(names, example)
        return found

    def read(raw: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return dict(zip(names, raw, strict=True))

    return Runner(f"onnxruntime {onnxruntime.__version__}", dict, infer, read)


if __name__ == "__main__":
    serve(open_runner)
