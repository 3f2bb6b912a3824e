"""MaxPool as MAX_POOL_2D, AveragePool as DEPTHWISE_CONV_2D or AVERAGE_POOL_2D.

Constraints upheld: pooling takes no dilation. MAX_POOL_2D keeps the parameters of its input, and
cells added around the image must lose against every value: SAME ignores them, an explicit PAD fills
with the lowest.

An average that divides by the whole window is a depthwise convolution of equal weights, which
XNNPACK takes in int8 (its AVERAGE_POOL_2D is float only) and which rounds a half to even as all
else does; the built-in AVERAGE_POOL_2D rounds away from zero, an eighth of all 2x2 averages
differently. It is left for SAME padding that is not counted: only there does it divide by the cells
inside the image.
"""

from __future__ import annotations

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.quantized_graph import QuantizedWeight
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.pad import LOWEST, pad_image
from quantize.tflite.operators.weights import add_bias, add_filter
from quantize.tflite.padding import Placement, Window, place_window, read_window

__all__ = ["emit_average_pool", "emit_max_pool"]

# A power of two, so that a tie stays an exact tie in XNNPACK's float multiplier; above 1, because
# the built-in kernel rounds once at half the scale and once more at the scale.
_EQUAL_WEIGHT = 64


def emit_max_pool(lowering: Lowering, node: Node) -> None:
    """Write max pooling; ceil_mode is padded at the end.

    Raises:
        UnsupportedInputError: dilated, not two-dimensional, or the indices are read too.
    """
    if len(node.outputs) > 1 and node.outputs[1]:
        raise UnsupportedInputError("the indices of MaxPool cannot be written; read values only")
    window, placement = _place(lowering, node)
    source = pad_image(lowering, node.inputs[0], placement, LOWEST)
    _write_pool(lowering, node, Operation("MAX_POOL_2D", 2, (source,)), window, placement)


def emit_average_pool(lowering: Lowering, node: Node) -> None:
    """Write average pooling.

    Raises:
        UnsupportedInputError: dilated, not two-dimensional, ceil_mode that adds cells, or pads
            that are not counted and not TFLite's SAME.
    """
    window, placement = _place(lowering, node)
    _check_ceil_mode(lowering, node, window)
    is_padded = any(map(any, window.pads))
    if not is_padded or int(node.attributes.get("count_include_pad", 0)):
        _write_convolution(lowering, node, window, placement)
        return
    if placement.needs_pad:
        raise UnsupportedInputError(
            f"its pads {window.pads} are not counted and are not TFLite's SAME; "
            "export with count_include_pad=1 or pad beforehand"
        )
    source = lowering.activation(node.inputs[0])
    _write_pool(lowering, node, Operation("AVERAGE_POOL_2D", 2, (source,)), window, placement)


def _place(lowering: Lowering, node: Node) -> tuple[Window, Placement]:
    size = lowering.graph.shape(node.inputs[0])[2:]
    window = read_window(node, tuple(node.attributes["kernel_shape"]), size)
    if window.dilations != (1, 1):
        raise UnsupportedInputError(f"pooling with dilations {window.dilations} cannot be written")
    return window, place_window(window, size, lowering.graph.shape(node.outputs[0])[2:])


def _check_ceil_mode(lowering: Lowering, node: Node, window: Window) -> None:
    size = lowering.graph.shape(node.inputs[0])[2:]
    out = lowering.graph.shape(node.outputs[0])[2:]
    for axis in (0, 1):
        reach = (out[axis] - 1) * window.strides[axis] + window.kernel[axis]
        if reach > size[axis] + sum(window.pads[axis]):
            raise UnsupportedInputError(
                "ceil_mode of AveragePool adds cells whose weight differs between versions of "
                "ONNX; export with ceil_mode=0"
            )


def _write_pool(
    lowering: Lowering, node: Node, operation: Operation, window: Window, placement: Placement
) -> None:
    options = {
        "padding": int(placement.padding),
        "strideH": window.strides[0],
        "strideW": window.strides[1],
        "filterHeight": window.kernel[0],
        "filterWidth": window.kernel[1],
    }
    pooling = Operation(
        operation.code, operation.version, operation.inputs, "Pool2DOptions", options
    )
    lowering.write(pooling, node.outputs[0], lowering.params(node.inputs[0]))


def _write_convolution(
    lowering: Lowering, node: Node, window: Window, placement: Placement
) -> None:
    name = node.inputs[0]
    channels = lowering.graph.shape(name)[1]
    shape = (1, *window.kernel, channels)
    scale = np.full(1, 1 / (_EQUAL_WEIGHT * np.prod(window.kernel)), np.float32)
    weight = QuantizedWeight(np.full(shape, _EQUAL_WEIGHT, np.int8), scale)
    inputs = (
        pad_image(lowering, name, placement),
        add_filter(lowering, f"{node.outputs[0]}:equal_weights", weight.values, weight, 3),
        add_bias(lowering, "", weight, lowering.params(name), channels),
    )
    options = {
        "padding": int(placement.padding),
        "strideH": window.strides[0],
        "strideW": window.strides[1],
        "depthMultiplier": 1,
        "dilationHFactor": 1,
        "dilationWFactor": 1,
    }
    lowering.write(
        Operation("DEPTHWISE_CONV_2D", 3, inputs, "DepthwiseConv2DOptions", options),
        node.outputs[0],
    )
