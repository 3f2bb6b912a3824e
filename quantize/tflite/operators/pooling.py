"""MaxPool as MAX_POOL_2D, AveragePool as AVERAGE_POOL_2D or DEPTHWISE_CONV_2D.

Constraints upheld: pooling takes no dilation. MAX_POOL_2D keeps the parameters of its input, and
cells added around the image must lose against every value: SAME ignores them, an explicit PAD fills
with 0 where no value lies below (after a Relu, say), which XNNPACK takes, or else with the lowest.

In int8 an average that divides by the whole window is a depthwise convolution of equal weights,
which XNNPACK takes (its AVERAGE_POOL_2D is float only) and which rounds a half to even as all
else does; the built-in AVERAGE_POOL_2D rounds away from zero, an eighth of all 2x2 averages
differently. It is left for SAME padding that is not counted: only there does it divide by the cells
inside the image. In float other padding that is not counted is padded and counted, and the result
multiplied by what each window should have been divided by.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import FloatGraph, Node
from quantize.operators.clamp import clamp_bounds
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation, TensorSpecification
from quantize.tflite.operators.elementwise import binary
from quantize.tflite.operators.pad import lowest, pad_image
from quantize.tflite.operators.weights import symmetric
from quantize.tflite.padding import Placement, Window, place_window, read_window
from quantize.tflite.schema import Padding, TensorType

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
    kept = lowering.kept_params(node)
    is_positive = _is_never_negative(lowering.graph, node.inputs[0])
    source = pad_image(lowering, node, placement, 0.0 if is_positive else lowest(kept))
    operation = _pool(lowering, "MAX_POOL_2D", source, window, placement.padding)
    lowering.write(operation, node.outputs[0], kept)


def _is_never_negative(graph: FloatGraph, name: str) -> bool:
    producer = graph.producer(name)
    while producer is not None and producer.op == "MaxPool":
        producer = graph.producer(producer.inputs[0])
    if producer is None:
        return False
    if producer.op in {"Relu", "Clip"}:
        return clamp_bounds(graph, producer)[0] >= 0
    return producer.op in {"Sigmoid", "Softmax"}


def emit_average_pool(lowering: Lowering, node: Node) -> None:
    """Write average pooling.

    Raises:
        UnsupportedInputError: dilated, not two-dimensional, ceil_mode that adds cells, or in int8
            pads that are not counted and not TFLite's SAME.
    """
    window, placement = _place(lowering, node)
    is_counted = bool(int(node.attributes.get("count_include_pad", 0)))
    _check_ceil_mode(lowering, node, window, is_counted=is_counted)
    is_divided_by_all = is_counted or not any(map(any, window.pads))
    kept = lowering.kept_params(node)
    if lowering.is_int8(node) and is_divided_by_all:
        _write_convolution(lowering, node, window, placement)
    elif is_divided_by_all:
        _write_counted(lowering, node, window)
    elif not placement.needs_pad:
        source = pad_image(lowering, node, placement)
        operation = _pool(lowering, "AVERAGE_POOL_2D", source, window, placement.padding)
        lowering.write(operation, node.outputs[0], kept)
    elif kept is None:
        _write_corrected(lowering, node, window, placement)
    else:
        raise UnsupportedInputError(
            f"its pads {window.pads} are not counted and are not TFLite's SAME; "
            "export with count_include_pad=1 or pad beforehand"
        )


def _place(lowering: Lowering, node: Node) -> tuple[Window, Placement]:
    size = lowering.graph.shape(node.inputs[0])[2:]
    window = read_window(node, tuple(node.attributes["kernel_shape"]), size)
    if window.dilations != (1, 1):
        raise UnsupportedInputError(f"pooling with dilations {window.dilations} cannot be written")
    return window, place_window(window, size, lowering.graph.shape(node.outputs[0])[2:])


def _reach(lowering: Lowering, node: Node, window: Window, axis: int) -> tuple[int, int]:
    """Cells from the first window's start to the last one's end, and cells that are stated."""
    size = lowering.graph.shape(node.inputs[0])[2:]
    out = lowering.graph.shape(node.outputs[0])[2:]
    reach = (out[axis] - 1) * window.strides[axis] + window.kernel[axis]
    return reach, size[axis] + sum(window.pads[axis])


def _check_ceil_mode(lowering: Lowering, node: Node, window: Window, *, is_counted: bool) -> None:
    for axis in (0, 1):
        reach, stated = _reach(lowering, node, window, axis)
        if reach > stated and (is_counted or not any(map(any, window.pads))):
            raise UnsupportedInputError(
                "ceil_mode of AveragePool adds cells whose weight differs between versions of "
                "ONNX; export with ceil_mode=0"
            )


def _pool(
    lowering: Lowering, code: str, source: int, window: Window, padding: Padding
) -> Operation:
    version = 2 if lowering.builder.tensor(source).dtype is TensorType.INT8 else 1
    options: dict[str, object] = {
        "padding": int(padding),
        "strideH": window.strides[0],
        "strideW": window.strides[1],
        "filterHeight": window.kernel[0],
        "filterWidth": window.kernel[1],
    }
    return Operation(code, version, (source,), "Pool2DOptions", options)


def _write_counted(lowering: Lowering, node: Node, window: Window) -> None:
    """Pad first: AVERAGE_POOL_2D with SAME would leave the added cells out of its count."""
    size = lowering.graph.shape(node.inputs[0])[2:]
    pads = tuple(
        (
            window.pads[axis][0],
            max(_reach(lowering, node, window, axis)[0] - size[axis] - window.pads[axis][0], 0),
        )
        for axis in (0, 1)
    )
    explicit = Placement(Padding.VALID, (pads[0], pads[1]))
    source = pad_image(lowering, node, explicit)
    lowering.write(
        _pool(lowering, "AVERAGE_POOL_2D", source, window, Padding.VALID), node.outputs[0]
    )


def _write_corrected(lowering: Lowering, node: Node, window: Window, placement: Placement) -> None:
    source = pad_image(lowering, node, placement)
    name = node.outputs[0]
    pooled = lowering.derived(
        _pool(lowering, "AVERAGE_POOL_2D", source, window, Padding.VALID),
        f"{name}:counted",
        lowering.builder.tensor(lowering.home_tensor(name)).shape,
        source,
    )
    rows, columns = (_share(lowering, node, window, axis) for axis in (0, 1))
    share = (rows[:, None] * columns[None, :])[None, :, :, None].astype(np.float32)
    factor = lowering.add_constant(f"{name}:share", share)
    lowering.write(binary(lowering, "MUL", (pooled, factor)), name)


def _share(lowering: Lowering, node: Node, window: Window, axis: int) -> NDArray[np.float64]:
    """Kernel length over the cells inside the image, for every position of the window."""
    length = lowering.graph.shape(node.inputs[0])[2 + axis]
    positions = np.arange(lowering.graph.shape(node.outputs[0])[2 + axis])
    start = positions * window.strides[axis] - window.pads[axis][0]
    inside = np.minimum(start + window.kernel[axis], length) - np.maximum(start, 0)
    return window.kernel[axis] / inside


def _write_convolution(
    lowering: Lowering, node: Node, window: Window, placement: Placement
) -> None:
    channels = lowering.graph.shape(node.inputs[0])[1]
    options: dict[str, object] = {
        "padding": int(placement.padding),
        "strideH": window.strides[0],
        "strideW": window.strides[1],
        "depthMultiplier": 1,
        "dilationHFactor": 1,
        "dilationWFactor": 1,
    }
    inputs = (
        pad_image(lowering, node, placement),
        *_equal_weights(lowering, node, window, channels),
    )
    operation = Operation("DEPTHWISE_CONV_2D", 3, inputs, "DepthwiseConv2DOptions", options)
    lowering.write(operation, node.outputs[0])


def _equal_weights(
    lowering: Lowering, node: Node, window: Window, channels: int
) -> tuple[int, int]:
    """A filter that averages, and a bias of zeros."""
    scale = np.full(1, 1 / (_EQUAL_WEIGHT * np.prod(window.kernel)), np.float32)
    step = (np.float32(lowering.params(node.inputs[0]).scale) * scale).astype(np.float32)
    weights = np.full((1, *window.kernel, channels), _EQUAL_WEIGHT, np.int8)
    return (
        lowering.builder.add_tensor(
            TensorSpecification(
                f"{node.outputs[0]}:equal_weights",
                weights.shape,
                TensorType.INT8,
                symmetric(scale, 3),
                weights,
            )
        ),
        lowering.builder.add_tensor(
            TensorSpecification(
                "zero_bias",
                (channels,),
                TensorType.INT32,
                symmetric(step, 0),
                np.zeros(channels, np.int32),
            )
        ),
    )
