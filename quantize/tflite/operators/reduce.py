"""GlobalAveragePool as MEAN.

Constraints upheld: axes are an int32 constant and name stored axes (H, W). MEAN and not
AVERAGE_POOL_2D, because XNNPACK takes MEAN in int8 and because MEAN may change parameters.
"""

from __future__ import annotations

from quantize.graph import Node
from quantize.tflite.layout import stored_axis
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation

__all__ = ["emit_global_average_pool"]


def emit_global_average_pool(lowering: Lowering, node: Node) -> None:
    """Write the mean over all positions."""
    rank = len(lowering.graph.shape(node.inputs[0]))
    axes = sorted(stored_axis(axis, rank) for axis in range(2, rank))
    inputs = (lowering.activation(node.inputs[0]), lowering.builder.add_int32("axes", axes))
    lowering.write(
        Operation("MEAN", 2, inputs, "ReducerOptions", {"keepDims": True}), node.outputs[0]
    )
