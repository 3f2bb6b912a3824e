"""ncnn's Python binding: one extractor an inference, as its documentation says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.engines.workers.serving import Example, ModelRequest, Runner, serve

__all__ = ["open_runner"]


def open_runner(request: ModelRequest) -> Runner:
    """Load a .param file and the .bin file beside it."""
    import ncnn

    network = ncnn.Net()
    network.opt.num_threads = request.threads
    weights = request.model.with_suffix(".bin")
    if network.load_param(str(request.model)) or network.load_model(str(weights)):
        raise RuntimeError(f"ncnn does not load {request.model.name}: an operator it does not have")
    outputs = network.output_names()

    def prepare(example: Example) -> list[tuple[str, Any]]:
        # ncnn has no batch axis.
        mats = [ncnn.Mat(np.ascontiguousarray(values[0])).clone() for values in example.values()]
        return list(zip(network.input_names(), mats, strict=True))

    def infer(prepared: list[tuple[str, Any]]) -> list[NDArray[Any]]:
        with network.create_extractor() as extractor:
            for name, mat in prepared:
                extractor.input(name, mat)
            return [np.array(extractor.extract(name)[1]) for name in outputs]

    def read(raw: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return dict(zip(request.outputs, raw, strict=True))

    return Runner(f"ncnn {ncnn.__version__}", prepare, infer, read)


if __name__ == "__main__":
    serve(open_runner)
