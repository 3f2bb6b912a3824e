"""Reshape and its kin as RESHAPE, Transpose as nothing, Expand and Tile.

Constraints upheld: all keep the parameters of their input. ONNX reshapes in ONNX order; axes that
are neither split nor joined may lie anywhere (`orders.reshape_orders`), so a transpose is left
only where a reshape really mixes axes that lie apart. The flattening before a Gemm is not
transposed, the Gemm's weights are permuted instead (`layout.FlattenedImage`).
"""

from __future__ import annotations

from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.orders import stored_shape
from quantize.tflite.schema import TensorType

__all__ = ["emit_expand", "emit_reshape", "emit_tile", "emit_transpose"]


def emit_reshape(lowering: Lowering, node: Node) -> None:
    """Write a change of shape; the new shape is the graph's."""
    name = node.outputs[0]
    index = lowering.read(node, 0, lowering.layout.reshaped_from[name])
    lowering.write_same(index, name, lowering.kept_params(node))


def emit_transpose(lowering: Lowering, node: Node) -> None:
    """Write a renaming of axes: the planned order makes the memory of both sides the same."""
    lowering.write_same(lowering.read(node), node.outputs[0], lowering.kept_params(node))


def emit_expand(lowering: Lowering, node: Node) -> None:
    """Write a broadcast to the graph's shape."""
    name = node.outputs[0]
    order = lowering.order(name)
    shape = stored_shape(lowering.graph.shape(name), order)
    source = lowering.operand(node, 0, order)
    version = 3 if lowering.builder.tensor(source).dtype is TensorType.INT8 else 2
    inputs = (source, lowering.builder.add_int32("shape", shape))
    operation = Operation("BROADCAST_TO", version, inputs, "BroadcastToOptions")
    lowering.write(operation, name, lowering.kept_params(node))


def emit_tile(lowering: Lowering, node: Node) -> None:
    """Write a repetition along every axis."""
    name = node.outputs[0]
    order = lowering.order(name)
    before, after = lowering.graph.shape(node.inputs[0]), lowering.graph.shape(name)
    repeats = [after[axis] // before[axis] for axis in order]
    source = lowering.read(node, 0, order)
    version = 3 if lowering.builder.tensor(source).dtype is TensorType.INT8 else 1
    inputs = (source, lowering.builder.add_int32("multiples", repeats))
    operation = Operation("TILE", version, inputs, "TileOptions")
    lowering.write(operation, name, lowering.kept_params(node))
