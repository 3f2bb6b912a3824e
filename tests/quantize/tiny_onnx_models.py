"""Small real ONNX models, built node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Shape = Sequence[int | str]


class ModelBuilder:
    """Nodes and weights of a model under construction; weights are drawn from one seed."""

    def __init__(self, *, seed: int = 0, opset: int = 17) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.opset = opset
        self.random = np.random.default_rng(seed)

    def constant(self, name: str, values: Any, dtype: type = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, name: str, shape: Sequence[int]) -> str:
        fan_in = max(1, int(np.prod(shape[1:])))
        return self.constant(name, self.random.normal(0, np.sqrt(2 / fan_in), shape))

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def conv(
        self, source: str, output: str, channels: tuple[int, int], *, kernel: int = 3, **extra: Any
    ) -> str:
        before, after = channels
        group = extra.get("group", 1)
        weight = self.weight(f"{output}_w", (after, before // group, kernel, kernel))
        bias = self.constant(f"{output}_b", self.random.normal(0, 0.1, after))
        if "pads" not in extra and "auto_pad" not in extra:
            extra["pads"] = [kernel // 2] * 4
        return self.node("Conv", [source, weight, bias], output, **extra)

    def batch_norm(self, source: str, output: str, channels: int) -> str:
        values = {
            "gamma": self.random.uniform(0.5, 1.5, channels),
            "beta": self.random.normal(0, 0.2, channels),
            "mean": self.random.normal(0, 0.2, channels),
            "variance": self.random.uniform(0.5, 2, channels),
        }
        names = [self.constant(f"{output}_{key}", value) for key, value in values.items()]
        return self.node("BatchNormalization", [source, *names], output)

    def gemm(self, source: str, output: str, features: tuple[int, int]) -> str:
        weight = self.weight(f"{output}_w", (features[1], features[0]))
        bias = self.constant(f"{output}_b", self.random.normal(0, 0.1, features[1]))
        return self.node("Gemm", [source, weight, bias], output, transB=1)

    def model(
        self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape | None]
    ) -> onnx.ModelProto:
        def infos(tensors: Mapping[str, Shape | None]) -> list[Any]:
            kind = onnx.TensorProto.FLOAT
            return [helper.make_tensor_value_info(name, kind, s) for name, s in tensors.items()]

        graph = helper.make_graph(self.nodes, "tiny", infos(inputs), infos(outputs), self.constants)
        opsets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return onnx.shape_inference.infer_shapes(model) if None in outputs.values() else model


def save(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def pictures(
    count: int, shape: Sequence[int] = (1, 3, 16, 16), *, seed: int = 1, name: str = "image"
) -> list[dict[str, NDArray[np.float32]]]:
    """Smooth random examples in -1..1, by input name."""
    random = np.random.default_rng(seed)
    examples = []
    for _ in range(count):
        coarse = random.uniform(-1, 1, (*shape[:2], shape[2] // 4, shape[3] // 4))
        smooth = coarse.repeat(4, axis=2).repeat(4, axis=3)
        noisy = np.clip(smooth + random.normal(0, 0.1, shape), -1, 1)
        examples.append({name: noisy.astype(np.float32)})
    return examples


def _finish(build: ModelBuilder, source: str, channels: int) -> onnx.ModelProto:
    build.node("GlobalAveragePool", [source], "pooled")
    build.node("Flatten", ["pooled"], "flat", axis=1)
    build.gemm("flat", "logits", (channels, 4))
    return build.model({"image": ("N", 3, 16, 16)}, {"logits": ("N", 4)})


def residual_cnn(**options: Any) -> onnx.ModelProto:
    """Conv, batch normalization, ReLU, a skip connection, max pooling."""
    build = ModelBuilder(**options)
    build.conv("image", "stem", (3, 8), strides=[1, 1])
    build.batch_norm("stem", "stem_bn", 8)
    build.node("Relu", ["stem_bn"], "stem_relu")
    build.node("MaxPool", ["stem_relu"], "down", kernel_shape=[2, 2], strides=[2, 2])
    build.conv("down", "a", (8, 8))
    build.node("Relu", ["a"], "a_relu")
    build.conv("a_relu", "b", (8, 8))
    build.batch_norm("b", "b_bn", 8)
    build.node("Add", ["b_bn", "down"], "sum")
    build.node("Relu", ["sum"], "out")
    return _finish(build, "out", 8)


def depthwise_cnn(**options: Any) -> onnx.ModelProto:
    """The blocks of MobileNetV2: expand, depthwise with ReLU6, project, skip."""
    build = ModelBuilder(**options)
    low, high = build.constant("zero", 0.0), build.constant("six", 6.0)
    build.conv("image", "stem", (3, 8), strides=[2, 2])
    build.node("Clip", ["stem", low, high], "stem_relu6")
    build.conv("stem_relu6", "expand", (8, 24), kernel=1)
    build.node("Clip", ["expand", low, high], "expand_relu6")
    build.conv("expand_relu6", "depthwise", (24, 24), group=24)
    build.node("Clip", ["depthwise", low, high], "depthwise_relu6")
    build.conv("depthwise_relu6", "project", (24, 8), kernel=1)
    build.node("Add", ["stem_relu6", "project"], "out")
    return _finish(build, "out", 8)


def concat_cnn(**options: Any) -> onnx.ModelProto:
    """A dense block: Concat, then batch normalization that no convolution can take."""
    build = ModelBuilder(**options)
    build.conv("image", "a", (3, 4))
    build.conv("a", "b", (4, 4))
    build.node("Concat", ["a", "b"], "both", axis=1)
    build.batch_norm("both", "norm", 8)
    build.node("Relu", ["norm"], "norm_relu")
    build.conv("norm_relu", "c", (8, 8), kernel=1)
    build.node(
        "AveragePool", ["c"], "out", kernel_shape=[2, 2], strides=[2, 2], count_include_pad=1
    )
    return _finish(build, "out", 8)


def gated_cnn(**options: Any) -> onnx.ModelProto:
    """Squeeze and excitation, SiLU and hard swish."""
    build = ModelBuilder(**options)
    build.conv("image", "a", (3, 8))
    build.node("Sigmoid", ["a"], "a_gate")
    build.node("Mul", ["a", "a_gate"], "silu")
    build.node("GlobalAveragePool", ["silu"], "squeeze")
    build.conv("squeeze", "reduce", (8, 4), kernel=1)
    build.node("Relu", ["reduce"], "reduce_relu")
    build.conv("reduce_relu", "excite", (4, 8), kernel=1)
    build.node("HardSigmoid", ["excite"], "gate", alpha=1.0 / 6.0, beta=0.5)
    build.node("Mul", ["silu", "gate"], "gated")
    build.conv("gated", "b", (8, 8))
    build.node("HardSwish", ["b"], "out")
    return _finish(build, "out", 8)
