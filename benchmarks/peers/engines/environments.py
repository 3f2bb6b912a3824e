"""An environment of its own for each engine: exact requirements, made by pip when first needed."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.peers.quantizers.environments import Environment

__all__ = ["ENGINE_ENVIRONMENTS"]

_NUMPY = "numpy==2.4.6"

ENGINE_ENVIRONMENTS: Mapping[str, Environment] = {
    each.name: each
    for each in (
        Environment("onnxruntime", (_NUMPY, "onnxruntime==1.32.0"), 130),
        Environment("litert", ("ai-edge-litert==2.3.0", _NUMPY), 130),
        Environment("openvino", ("nncf==3.4.0", _NUMPY, "onnx==1.23.2", "openvino==2026.4.1"), 560),
        # What pnnx names as its requirement is PyTorch, which its program does not use.
        Environment("ncnn", ("--no-deps", "ncnn==1.0.20261020", _NUMPY, "pnnx==20261020"), 210),
        Environment("mnn", ("MNN==3.6.1", _NUMPY), 160),
        Environment(
            "executorch",
            ("executorch==1.4.1", _NUMPY, "onnx==1.23.2", "onnx2torch==1.5.15", "torch==2.13.0"),
            1500,
        ),
    )
}
