"""Reshape and Flatten as RESHAPE, between TRANSPOSEs only where they are needed.

Constraints upheld: both keep the parameters of their input. ONNX reshapes in N, C, H, W order, so a
stored image with both channels and positions is transposed before and after; the flattening before
a Gemm is not, the Gemm's weights are permuted instead (`layout.hwc_flattened`).
"""

from __future__ import annotations

from quantize.graph import Node
from quantize.tflite.layout import is_same_order, stored_order, stored_shape
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation

__all__ = ["emit_reshape"]

_NHWC_TO_NCHW = (0, 3, 1, 2)
_NCHW_TO_NHWC = (0, 2, 3, 1)


def emit_reshape(lowering: Lowering, node: Node) -> None:
    """Write a change of shape; the new shape is the graph's."""
    source, name = node.inputs[0], node.outputs[0]
    before, after = lowering.graph.shape(source), lowering.graph.shape(name)
    params = lowering.params(source)
    index = lowering.activation(source)
    if name not in lowering.hwc_flattened and not _is_free(before) and before != after:
        operation = _transpose(lowering, index, _NHWC_TO_NCHW)
        index = lowering.add_intermediate(operation, f"{source}:nchw", before, params)
    if _is_free(after) or before == after:
        lowering.write(_reshape(lowering, index, stored_shape(after)), name, params)
        return
    operation = _reshape(lowering, index, after)
    index = lowering.add_intermediate(operation, f"{name}:nchw", after, params)
    lowering.write(_transpose(lowering, index, _NCHW_TO_NHWC), name, params)


def _is_free(shape: tuple[int, ...]) -> bool:
    """Whether the stored order of a tensor is its ONNX order in memory."""
    return is_same_order(shape, stored_order(len(shape)))


def _reshape(lowering: Lowering, source: int, shape: tuple[int, ...]) -> Operation:
    inputs = (source, lowering.builder.add_int32("shape", shape))
    return Operation("RESHAPE", 1, inputs, "ReshapeOptions", {"newShape": list(shape)})


def _transpose(lowering: Lowering, source: int, permutation: tuple[int, ...]) -> Operation:
    inputs = (source, lowering.builder.add_int32("permutation", permutation))
    return Operation("TRANSPOSE", 2, inputs, "TransposeOptions")
