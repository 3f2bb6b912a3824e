"""MNN through its module interface."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.engines.workers.serving import Example, ModelRequest, Runner, serve

__all__ = ["open_runner"]


def open_runner(request: ModelRequest) -> Runner:
    """Load an .mnn file; `options` go into MNN's own configuration, `inputs` are its names."""
    import MNN.expr
    import MNN.nn

    settings = {"backend": 0, "numThread": request.threads, **request.options}
    manager = MNN.nn.create_runtime_manager((settings,))
    with np.load(request.inputs, allow_pickle=False) as archive:
        names = list(archive.files)
    module = MNN.nn.load_module_from_file(
        str(request.model), names, list(request.outputs), runtime_manager=manager
    )

    def prepare(example: Example) -> list[Any]:
        return [
            MNN.expr.const(np.ascontiguousarray(values), list(values.shape), MNN.expr.NCHW)
            for values in example.values()
        ]

    def infer(prepared: list[Any]) -> list[NDArray[Any]]:
        found = module.forward(prepared)
        several = found if isinstance(found, (list, tuple)) else [found]
        return [np.array(MNN.expr.convert(each, MNN.expr.NCHW).read()) for each in several]

    def read(raw: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return dict(zip(request.outputs, raw, strict=True))

    return Runner(f"MNN {MNN.version()}", prepare, infer, read)


if __name__ == "__main__":
    serve(open_runner)
