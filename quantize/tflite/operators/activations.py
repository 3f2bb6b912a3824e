"""Relu and Clip that no producer computes, and the activations that are never fused.

In int8 saturation is the clamp: a tensor of the output's scale whose zero point puts a bound at
-128 or 127 cannot hold what lies beyond. So a bound that the output's own range does not imply is
one QUANTIZE more, which only shifts the zero point and loses nothing. XNNPACK takes QUANTIZE in
int8, but its RELU, RELU6, MINIMUM and MAXIMUM are float only.

In float a clamp is RELU, RELU6 or RELU_N1_TO_1, or else MAXIMUM and MINIMUM.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.operators.clamp import clamp_bounds
from quantize.quantized_graph import ActivationParams
from quantize.tflite.activation import Bounds, is_implied
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.elementwise import binary
from quantize.tflite.orders import store_operand
from quantize.tflite.schema import TensorType
from quantize.tflite.tensor_forms import requantize

__all__ = ["emit_clamp", "emit_elu", "emit_gelu", "emit_leaky_relu", "emit_prelu"]

_INT32 = np.iinfo(np.int32)
_CODES = {(0.0, math.inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1"}


def emit_clamp(lowering: Lowering, node: Node) -> None:
    """Write a Relu or Clip of its own.

    Raises:
        UnsupportedInputError: in int8, 0 is not within the bounds.
    """
    name = node.outputs[0]
    bounds = clamp_bounds(lowering.graph, node)
    index = lowering.read(node, 0, lowering.order(name))
    if not lowering.is_int8(node):
        _write_clamp(lowering, name, index, bounds)
        return
    shape = lowering.builder.tensor(index).shape
    for clamped in _clamping(bounds, lowering.params(name)):
        shifted = lowering.add_int8(f"{name}:clamped", shape, clamped)
        lowering.builder.add_operation(requantize(index), shifted)
        index = shifted
    lowering.write(requantize(index), name)


def _write_clamp(lowering: Lowering, name: str, index: int, bounds: Bounds) -> None:
    tensor = lowering.builder.tensor(index)
    is_float = tensor.dtype is TensorType.FLOAT32
    if is_float and bounds in _CODES:
        lowering.write(Operation(_CODES[bounds], 1, (index,)), name)
        return
    steps = [
        (code, bound)
        for code, bound in zip(("MAXIMUM", "MINIMUM"), bounds, strict=True)
        if math.isfinite(bound)
    ]
    shape = tensor.shape
    if not steps:
        lowering.write(lowering.reshape(index, shape), name)
    for at, (code, bound) in enumerate(steps):
        limit = lowering.add_constant("bound", _bound(bound, is_float=is_float))
        operation = binary(lowering, code, (index, limit))
        if at == len(steps) - 1:
            lowering.write(operation, name)
        else:
            index = lowering.derived(operation, f"{name}:clamped", shape, index)


def _bound(bound: float, *, is_float: bool) -> NDArray[Any]:
    if is_float:
        return np.array(bound, np.float32)
    return np.array(min(max(bound, _INT32.min), _INT32.max), np.int32)


def _clamping(bounds: Bounds, params: ActivationParams) -> tuple[ActivationParams, ...]:
    """Parameters whose one end is a bound, for each bound that the range of `params` leaves."""
    low, high = bounds
    if not low <= 0 <= high:
        raise UnsupportedInputError(f"its bounds {bounds} leave out 0, which int8 must hold")
    needed = []
    if not is_implied((low, math.inf), params):
        needed.append(ActivationParams(params.scale, round(-low / params.scale)))
    if not is_implied((-math.inf, high), params):
        needed.append(ActivationParams(params.scale, 255 - round(high / params.scale)))
    return tuple(needed)


def emit_leaky_relu(lowering: Lowering, node: Node) -> None:
    """Write a Relu with a slope below 0."""
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    options: dict[str, object] = {"alpha": float(node.attributes.get("alpha", 0.01))}
    lowering.write(
        Operation("LEAKY_RELU", 1, (source,), "LeakyReluOptions", options), node.outputs[0]
    )


def emit_prelu(lowering: Lowering, node: Node) -> None:
    """Write a Relu with a slope a channel below 0."""
    order = lowering.order(node.outputs[0])
    source = lowering.read(node, 0, order)
    slope = lowering.graph.constants.get(node.inputs[1])
    if slope is None:
        raise UnsupportedInputError(f"slope {node.inputs[1]} is not a constant; fold it beforehand")
    stored = store_operand(slope.reshape((1,) * (len(order) - slope.ndim) + slope.shape), order)
    # PRELU broadcasts the slope over the axes before its own; the batch is left out.
    stored = stored.reshape(stored.shape[1:]) if len(stored.shape) > 1 else stored
    inputs = (source, lowering.add_constant(node.inputs[1], stored))
    lowering.write(Operation("PRELU", 1, inputs), node.outputs[0])


def emit_elu(lowering: Lowering, node: Node) -> None:
    """Write x, and alpha * (exp(x) - 1) below 0."""
    name = node.outputs[0]
    source = lowering.read(node, 0, lowering.order(name))
    alpha = float(node.attributes.get("alpha", 1.0))
    elu = Operation("ELU", 1, (source,))
    if alpha == 1.0:
        lowering.write(elu, name)
        return
    shape = lowering.builder.tensor(source).shape
    zero = lowering.add_constant("zero", np.array(0, np.float32))
    scale = lowering.add_constant("alpha", np.array(alpha, np.float32))
    curved = lowering.derived(elu, f"{name}:elu", shape, source)
    below = lowering.derived(
        binary(lowering, "MINIMUM", (curved, zero)), f"{name}:below", shape, source
    )
    scaled = lowering.derived(
        binary(lowering, "MUL", (below, scale)), f"{name}:scaled", shape, source
    )
    above = lowering.derived(
        binary(lowering, "MAXIMUM", (source, zero)), f"{name}:above", shape, source
    )
    lowering.write(binary(lowering, "ADD", (above, scaled)), name)


def emit_gelu(lowering: Lowering, node: Node) -> None:
    """Write x times the normal distribution function, exact or by tanh."""
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    is_approximate = str(node.attributes.get("approximate", "none")) == "tanh"
    options: dict[str, object] = {"approximate": is_approximate}
    lowering.write(Operation("GELU", 1, (source,), "GeluOptions", options), node.outputs[0])
