"""ExecuTorch's Python runtime."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers.engines.workers.serving import Example, ModelRequest, Runner, serve

__all__ = ["open_runner"]


def open_runner(request: ModelRequest) -> Runner:
    """Load a .pte file."""
    import torch
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

    portable_lib._unsafe_reset_threadpool(request.threads)  # noqa: SLF001 - there is no other way
    program = Runtime.get().load_program(request.model)
    method = program.load_method("forward")

    def prepare(example: Example) -> list[Any]:
        return [torch.from_numpy(values) for values in example.values()]

    def infer(prepared: list[Any]) -> list[NDArray[Any]]:
        return [each.numpy() for each in method.execute(prepared)]

    def read(raw: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        found = {}
        for name, values in zip(request.outputs, raw, strict=True):
            found[name] = values.copy()
        return found

    return Runner(f"executorch {version('executorch')}", prepare, infer, read)


if __name__ == "__main__":
    serve(open_runner)
