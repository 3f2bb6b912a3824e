"""Relu and Clip that no producer computes, as QUANTIZE.

Saturation is the clamp: a tensor of the output's scale whose zero point puts a bound at -128 or 127
cannot hold what lies beyond. So a bound that the output's own range does not imply is one QUANTIZE
more, which only shifts the zero point and loses nothing. XNNPACK takes QUANTIZE in int8, but its
RELU, RELU6, MINIMUM and MAXIMUM are float only.
"""

from __future__ import annotations

import math

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.operators.clamp import clamp_bounds
from quantize.quantized_graph import ActivationParams
from quantize.tflite.activation import Bounds, is_implied
from quantize.tflite.lowering import Lowering, requantize

__all__ = ["emit_activation"]


def emit_activation(lowering: Lowering, node: Node) -> None:
    """Write a Relu or Clip of its own.

    Raises:
        UnsupportedInputError: 0 is not within the bounds.
    """
    name = node.outputs[0]
    bounds = clamp_bounds(lowering.graph, node)
    index = lowering.activation(node.inputs[0])
    shape = lowering.builder.tensor(index).shape
    for clamped in _clamping(bounds, lowering.params(name)):
        index = lowering.add_intermediate(requantize(index), f"{name}:clamped", shape, clamped)
    lowering.write(requantize(index), name)


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
