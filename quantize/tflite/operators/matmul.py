"""MatMul of two activations (or a stack of constant matrices) as BATCH_MATMUL.

Constraints upheld: the first operand is read in ONNX order, the second in ONNX order or with its
last two axes swapped (`adjY`), whichever lies closer to how it is stored; XNNPACK takes both. Int8
is version 2.
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.orders import plain_order

__all__ = ["emit_matmul"]

_MATRIX_RANK = 2
_GREATEST_RANK = 5


def emit_matmul(lowering: Lowering, node: Node) -> None:
    """Write a product of matrices, stacked along the axes before.

    Raises:
        UnsupportedInputError: an operand of one axis, or of more than five.
    """
    ranks = [len(lowering.graph.shape(name)) for name in node.inputs]
    if min(ranks) < _MATRIX_RANK or max(ranks) > _GREATEST_RANK:
        raise UnsupportedInputError(
            f"MatMul of {ranks[0]} and {ranks[1]} axes cannot be written; TFLite takes 2 to 5"
        )
    name = node.inputs[1]
    plain = plain_order(ranks[1])
    stored = lowering.layout.orders.get(name, plain)
    is_swapped = stored[-1] == ranks[1] - 2
    order = (*plain[:-2], plain[-1], plain[-2]) if is_swapped else plain
    inputs = (lowering.read_plain(node), lowering.read(node, 1, order))
    options: dict[str, object] = {"adjX": False, "adjY": is_swapped}
    version = 2 if lowering.is_int8(node) else 1
    operation = Operation("BATCH_MATMUL", version, inputs, "BatchMatMulOptions", options)
    lowering.write(operation, node.outputs[0])
