"""Weights and biases of layers, in the precision of their node.

In integers the quantization specification (https://ai.google.dev/edge/litert/models/quantization_spec)
asks for symmetric int8 weights in -127..127, per channel or per tensor, and int32 biases of scale
input scale * weight scale, zero point 0; the quantized graph holds exactly these. A DYNAMIC layer
has the same weights and a float32 bias, a FLOAT layer float32 for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.quantized_graph import Precision
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Quantization, TensorSpecification
from quantize.tflite.schema import TensorType

__all__ = ["WEIGHT", "add_bias", "add_filter", "symmetric", "weight_values"]

WEIGHT = 1
_BIAS = 2


def symmetric(scale: NDArray[np.float32], dimension: int) -> Quantization:
    """Quantization of weights: scales along an axis, zero points 0."""
    return Quantization(tuple(map(float, scale)), (0,) * len(scale), dimension)


def weight_values(lowering: Lowering, node: Node) -> NDArray[Any]:
    """The weights of a layer in ONNX shape: int8, or float32 where the layer is FLOAT.

    Raises:
        UnsupportedInputError: they are no constant.
    """
    name = node.inputs[WEIGHT]
    if lowering.precision(node) is not Precision.FLOAT:
        return lowering.weight(name).values
    if name not in lowering.graph.constants:
        raise UnsupportedInputError(f"weight {name} is not a constant; fold it beforehand")
    return lowering.graph.constants[name]


def add_filter(lowering: Lowering, node: Node, values: NDArray[Any], dimension: int) -> int:
    """Add the weights of a layer.

    Args:
        lowering: the model under construction.
        node: the layer.
        values: from `weight_values`, in TFLite's order.
        dimension: TFLite axis of the output channels.
    """
    name = node.inputs[WEIGHT]
    if lowering.precision(node) is Precision.FLOAT:
        return lowering.add_constant(name, values)
    scale = symmetric(lowering.weight(name).scale, dimension)
    return lowering.builder.add_tensor(
        TensorSpecification(name, values.shape, TensorType.INT8, scale, values)
    )


def add_bias(lowering: Lowering, node: Node, channels: int) -> int:
    """Add the bias of a layer, zeros where there is none: XNNPACK takes no convolution without.

    Raises:
        UnsupportedInputError: not one bias a channel.
    """
    name = node.inputs[_BIAS] if len(node.inputs) > _BIAS else ""
    values: NDArray[Any]
    scale = None
    if lowering.is_int8(node):
        weight = lowering.weight(node.inputs[WEIGHT])
        values = lowering.weight(name).values if name else np.zeros(channels, np.int32)
        step = np.float32(lowering.params(node.inputs[0]).scale) * weight.scale
        scale = symmetric(lowering.weight(name).scale if name else step.astype(np.float32), 0)
        dtype = TensorType.INT32
    else:
        if name and name not in lowering.graph.constants:
            raise UnsupportedInputError(f"bias {name} is not a constant; add it after the layer")
        values = lowering.graph.constants[name] if name else np.zeros(channels, np.float32)
        dtype = TensorType.FLOAT32
    if values.size != channels:
        raise UnsupportedInputError(
            f"bias {name} has shape {values.shape} for {channels} channels; expand it"
        )
    return lowering.builder.add_tensor(
        TensorSpecification(
            name or "zero_bias", (channels,), dtype, scale, values.reshape(channels)
        )
    )
