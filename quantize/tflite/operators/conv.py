"""Conv as CONV_2D or DEPTHWISE_CONV_2D.

Constraints upheld: filters are OHWI with channels on axis 0 (CONV_2D) or [1, H, W, C * multiplier]
with channels on axis 3 (DEPTHWISE_CONV_2D); a bias is always there; pads that are not TFLite's
SAME become a PAD, which XNNPACK merges into the convolution. Grouped convolution is CONV_2D
itself, whose filter then has fewer input channels than its input (operator version 6).
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.pad import pad_image
from quantize.tflite.operators.weights import add_bias, add_filter, weight_values
from quantize.tflite.padding import Window, place_window, read_window

__all__ = ["emit_conv"]

_OHWI = (0, 2, 3, 1)
_IHWO = (1, 2, 3, 0)


def emit_conv(lowering: Lowering, node: Node) -> None:
    """Write a two-dimensional convolution, with the activation after it.

    Raises:
        UnsupportedInputError: not two-dimensional, or weights that are no constants.
    """
    graph = lowering.graph
    shape = graph.shape(node.inputs[0])
    values = weight_values(lowering, node)
    window = read_window(node, values.shape[2:], shape[2:])
    placement = place_window(window, shape[2:], graph.shape(node.outputs[0])[2:])
    name, activation = lowering.result(node)
    group = int(node.attributes.get("group", 1))
    if group * values.shape[1] != shape[1]:
        raise UnsupportedInputError(
            f"{group} groups of {values.shape[1]} channels do not make {shape[1]}"
        )
    is_depthwise = group == shape[1] and group > 1
    options = _options(window, int(placement.padding), int(activation))
    version = 3 if lowering.is_int8(node) else 1
    if is_depthwise:
        code, order, dimension = "DEPTHWISE_CONV_2D", _IHWO, 3
        version = max(version, 2 if window.dilations != (1, 1) else 1)
        options["depthMultiplier"] = values.shape[0] // group
    else:
        code, order, dimension = "CONV_2D", _OHWI, 0
        version = 6 if group > 1 else version
    inputs = (
        pad_image(lowering, node, placement),
        add_filter(lowering, node, values.transpose(order), dimension),
        add_bias(lowering, node, values.shape[0]),
    )
    table = "DepthwiseConv2DOptions" if is_depthwise else "Conv2DOptions"
    lowering.write(Operation(code, version, inputs, table, options), name)


def _options(window: Window, padding: int, activation: int) -> dict[str, object]:
    return {
        "padding": padding,
        "strideH": window.strides[0],
        "strideW": window.strides[1],
        "dilationHFactor": window.dilations[0],
        "dilationWFactor": window.dilations[1],
        "fusedActivationFunction": activation,
    }
