"""The simplification that most quantizers' manuals ask for."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.quantizers.workers.request import Request

__all__ = ["simplified_model"]


def simplified_model(request: Request) -> Any:
    """Return the float model, an `onnx.ModelProto`, after onnxslim: constants and shapes folded."""
    import onnx
    import onnxslim

    return onnxslim.slim(onnx.load(str(request.model)))
