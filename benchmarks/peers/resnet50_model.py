"""ResNet-50 with random weights, for work whose cost does not depend on the weights.

He et al. 2016, "Deep Residual Learning for Image Recognition", in its usual form (stride in the
3x3 convolution of a stage's first block), batch normalisation folded into the convolutions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["INPUT_SHAPE", "build_resnet50"]

INPUT_SHAPE = (1, 3, 224, 224)

_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
_EXPANSION = 4
_CLASSES = 1000


def build_resnet50(*, seed: int = 0) -> Any:
    """Make the network as an `onnx.ModelProto` of opset 17.

    Its input "image" is float32 `INPUT_SHAPE`, its output "logits" (1, 1000).

    Args:
        seed: of the weights.
    """
    network = _Network(seed)
    name = network.relu(network.conv("image", (3, 64), kernel=7, stride=2))
    name = network.node("MaxPool", [name], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for width, blocks, stride in _STAGES:
        for block in range(blocks):
            name = network.block(name, channels, width, stride if block == 0 else 1)
            channels = width * _EXPANSION
    name = network.node("Flatten", [network.node("GlobalAveragePool", [name])])
    return network.finish(name, channels)


class _Network:
    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        import onnx

        name = f"{operator.lower()}_{len(self._nodes)}"
        made = onnx.helper.make_node(operator, inputs, [name], name=name, **attributes)
        self._nodes.append(made)
        return name

    def weight(self, shape: tuple[int, ...], deviation: float) -> str:
        import onnx

        values = self._random.normal(0.0, deviation, shape).astype(np.float32)
        name = f"weight_{len(self._weights)}"
        self._weights.append(onnx.numpy_helper.from_array(values, name))
        return name

    def relu(self, name: str) -> str:
        return self.node("Relu", [name])

    def conv(
        self,
        name: str,
        channels: tuple[int, int],
        *,
        kernel: int = 1,
        stride: int = 1,
        gain: float = 2.0,
    ) -> str:
        deviation = float(np.sqrt(gain / (channels[0] * kernel * kernel)))
        weight = self.weight((channels[1], channels[0], kernel, kernel), deviation)
        bias = self.weight((channels[1],), 0.1)
        return self.node(
            "Conv", [name, weight, bias], strides=[stride, stride], pads=[kernel // 2] * 4
        )

    def block(self, name: str, channels: int, width: int, stride: int) -> str:
        wide = width * _EXPANSION
        found = self.relu(self.conv(name, (channels, width)))
        found = self.relu(self.conv(found, (width, width), kernel=3, stride=stride))
        # A gain below 1: the sums of the residual branches would grow from block to block.
        found = self.conv(found, (width, wide), gain=0.5)
        if channels != wide:
            name = self.conv(name, (channels, wide), stride=stride, gain=1.0)
        return self.relu(self.node("Add", [found, name]))

    def finish(self, name: str, channels: int) -> Any:
        import onnx

        weight, bias = self.weight((_CLASSES, channels), 0.02), self.weight((_CLASSES,), 0.0)
        self._nodes.append(
            onnx.helper.make_node("Gemm", [name, weight, bias], ["logits"], transB=1)
        )
        kind = onnx.TensorProto.FLOAT
        graph = onnx.helper.make_graph(
            self._nodes,
            "resnet50",
            [onnx.helper.make_tensor_value_info("image", kind, INPUT_SHAPE)],
            [onnx.helper.make_tensor_value_info("logits", kind, (1, _CLASSES))],
            self._weights,
        )
        opsets = [onnx.helper.make_opsetid("", 17)]
        return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
