"""ConvTranspose as TRANSPOSE_CONV.

Constraints upheld: the filter is OHWI and the output's shape an input; a bias is the fourth input
(version 3). TFLite pads the output by SAME or VALID. Where ONNX's pads are neither, everything is
written (VALID) and a SLICE cuts it; where they ask for more than the input reaches, the input gets
rows of zeros first. Dilation is written into the filter. With groups, the filter is block diagonal:
TFLite has no grouped TRANSPOSE_CONV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.quantized_graph import Precision
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.pad import pad_operation
from quantize.tflite.operators.slicing import slice_tensor
from quantize.tflite.operators.weights import add_bias, weight_values
from quantize.tflite.orders import NHWC
from quantize.tflite.schema import Padding

__all__ = ["emit_conv_transpose"]

_OHWI = (1, 2, 3, 0)
_TWO_AXES = 2

_Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Window:
    """Geometry over H and W; `begin` is how much of the full output is cut off before."""

    kernel: _Pair
    strides: _Pair
    begin: _Pair
    size: _Pair
    out: _Pair

    def full(self, axis: int) -> int:
        return (self.size[axis] - 1) * self.strides[axis] + self.kernel[axis]

    def missing_rows(self, axis: int) -> int:
        """Input rows of zeros to add, so that the output reaches as far as it is asked to."""
        lacking = self.begin[axis] + self.out[axis] - self.full(axis)
        return max(-(-lacking // self.strides[axis]), 0)

    def is_same(self) -> bool:
        for axis in (0, 1):
            total = self.full(axis) - self.out[axis]
            is_reached = -(-self.out[axis] // self.strides[axis]) == self.size[axis]
            if total < 0 or self.begin[axis] != total // 2 or not is_reached:
                return False
        return True


def emit_conv_transpose(lowering: Lowering, node: Node) -> None:
    """Write a transposed convolution over two axes, with the activation after it.

    Raises:
        UnsupportedInputError: not FLOAT, not two-dimensional, or computed weights.
    """
    if lowering.precision(node) is not Precision.FLOAT:
        raise UnsupportedInputError("int8 ConvTranspose cannot be written; leave it in float")
    weights = _dense_filter(weight_values(lowering, node), node)
    window = _read_window(lowering, node, weights)
    source = _extended(lowering, node, window)
    size = lowering.builder.tensor(source).shape[1:3]
    window = _Window(window.kernel, window.strides, window.begin, (size[0], size[1]), window.out)
    name, activation = lowering.result(node)
    is_same = window.is_same()
    written = window.out if is_same else (window.full(0), window.full(1))
    shape = (lowering.graph.shape(name)[0], *written, weights.shape[1])
    inputs = (
        lowering.builder.add_int32("shape", shape),
        lowering.add_constant(node.inputs[1], weights.transpose(_OHWI)),
        source,
        add_bias(lowering, node, weights.shape[1]),
    )
    options: dict[str, object] = {
        "padding": int(Padding.SAME if is_same else Padding.VALID),
        "strideH": window.strides[0],
        "strideW": window.strides[1],
        "fusedActivationFunction": int(activation),
    }
    version = 4 if activation else 3
    operation = Operation("TRANSPOSE_CONV", version, inputs, "TransposeConvOptions", options)
    if is_same or written == window.out:
        lowering.write(operation, name)
        return
    whole = lowering.derived(operation, f"{name}:whole", shape, source)
    begin, extent = (0, *window.begin, 0), (shape[0], *window.out, shape[3])
    lowering.write(slice_tensor(lowering, whole, begin, extent), name)


def _dense_filter(weights: NDArray[Any], node: Node) -> NDArray[Any]:
    """The weights [in, out, H, W] of one group and no dilation."""
    if weights.ndim != _TWO_AXES + 2:
        raise UnsupportedInputError(
            f"its window has {weights.ndim - 2} dimensions; only 2 (height, width) can be written"
        )
    groups = int(node.attributes.get("group", 1))
    dilations = tuple(node.attributes.get("dilations") or (1, 1))
    if groups > 1:
        into, out = weights.shape[:2]
        dense = np.zeros((into, out * groups, *weights.shape[2:]), weights.dtype)
        for part in range(groups):
            rows = slice(part * into // groups, (part + 1) * into // groups)
            dense[rows, part * out : (part + 1) * out] = weights[rows]
        weights = dense
    if dilations != (1, 1):
        extent = [(n - 1) * step + 1 for n, step in zip(weights.shape[2:], dilations, strict=True)]
        dilated = np.zeros((*weights.shape[:2], *extent), weights.dtype)
        dilated[:, :, :: dilations[0], :: dilations[1]] = weights
        weights = dilated
    return weights


def _read_window(lowering: Lowering, node: Node, weights: NDArray[Any]) -> _Window:
    size = lowering.graph.shape(node.inputs[0])[2:]
    out = lowering.graph.shape(node.outputs[0])[2:]
    strides = tuple(node.attributes.get("strides") or (1, 1))
    extra = tuple(node.attributes.get("output_padding") or (0, 0))
    pads = tuple(node.attributes.get("pads") or (0, 0, 0, 0))
    automatic = str(node.attributes.get("auto_pad") or "NOTSET")
    kernel = weights.shape[2:]
    begin = list(pads[:2])
    if automatic in {"SAME_UPPER", "SAME_LOWER"} or node.attributes.get("output_shape"):
        for axis in (0, 1):
            full = (size[axis] - 1) * strides[axis] + kernel[axis] + extra[axis]
            total = max(full - out[axis], 0)
            begin[axis] = total - total // 2 if automatic == "SAME_LOWER" else total // 2
    return _Window(
        (kernel[0], kernel[1]),
        (strides[0], strides[1]),
        (begin[0], begin[1]),
        (size[0], size[1]),
        (out[0], out[1]),
    )


def _extended(lowering: Lowering, node: Node, window: _Window) -> int:
    source = lowering.read(node, 0, NHWC)
    rows = (window.missing_rows(0), window.missing_rows(1))
    if not any(rows):
        return source
    pads = ((0, 0), (0, rows[0]), (0, rows[1]), (0, 0))
    shape = lowering.builder.tensor(source).shape
    grown = tuple(length + after for length, (_, after) in zip(shape, pads, strict=True))
    operation = pad_operation(lowering, source, pads, None, 0.0)
    return lowering.derived(operation, f"{node.inputs[0]}:extended", grown, source)
