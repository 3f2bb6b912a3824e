"""Weights and biases of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.

The quantization specification (https://ai.google.dev/edge/litert/models/quantization_spec) asks
for symmetric int8 weights in -127..127, per channel or per tensor, and int32 biases of scale
input scale * weight scale, zero point 0; the quantized graph holds exactly these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.quantized_graph import ActivationParams, QuantizedWeight
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Quantization

__all__ = ["add_bias", "add_filter"]


def _symmetric(scale: NDArray[np.float32], dimension: int) -> Quantization:
    return Quantization(tuple(map(float, scale)), (0,) * len(scale), dimension)


def add_filter(
    lowering: Lowering, name: str, values: NDArray[Any], weight: QuantizedWeight, dimension: int
) -> int:
    """Add int8 weights.

    Args:
        lowering: the model under construction.
        name: of the constant.
        values: int8, already in TFLite's order.
        weight: whose scales they have.
        dimension: TFLite axis of the output channels.
    """
    return lowering.add_weight(name, values, _symmetric(weight.scale, dimension))


def add_bias(
    lowering: Lowering, name: str, weight: QuantizedWeight, params: ActivationParams, channels: int
) -> int:
    """Add the int32 bias, zeros where there is none: XNNPACK takes no convolution without.

    Args:
        lowering: the model under construction.
        name: of the bias; "" for none.
        weight: the weights it is added to.
        params: of the operator's input.
        channels: number of output channels.

    Raises:
        UnsupportedInputError: not one bias a channel.
    """
    if not name:
        scale = (np.float32(params.scale) * weight.scale).astype(np.float32)
        zeros = np.zeros(channels, np.int32)
        return lowering.add_weight("zero_bias", zeros, _symmetric(scale, 0))
    bias = lowering.weight(name)
    if bias.values.size != channels:
        raise UnsupportedInputError(
            f"bias {name} has shape {bias.values.shape} for {channels} channels; expand it"
        )
    return lowering.add_weight(
        name, bias.values.reshape(channels).astype(np.int32), _symmetric(bias.scale, 0)
    )
