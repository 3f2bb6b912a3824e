"""Comparisons, logic, Where and Cast.

Constraints upheld: comparisons broadcast over at most four axes; truth values are BOOL, 64-bit
integers are stored in 32 bits. Cast from float to integer rounds towards zero, as ONNX does.
"""

from __future__ import annotations

from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.tensor_forms import tensor_type

__all__ = ["emit_binary_logic", "emit_cast", "emit_not", "emit_where"]

_BINARY = {
    "And": ("LOGICAL_AND", "LogicalAndOptions"),
    "Equal": ("EQUAL", "EqualOptions"),
    "Greater": ("GREATER", "GreaterOptions"),
    "GreaterOrEqual": ("GREATER_EQUAL", "GreaterEqualOptions"),
    "Less": ("LESS", "LessOptions"),
    "LessOrEqual": ("LESS_EQUAL", "LessEqualOptions"),
    "Or": ("LOGICAL_OR", "LogicalOrOptions"),
    "Xor": ("NOT_EQUAL", "NotEqualOptions"),
}


def emit_binary_logic(lowering: Lowering, node: Node) -> None:
    """Write a comparison, or a logical function of two truth values."""
    order = lowering.order(node.outputs[0])
    inputs = (lowering.operand(node, 0, order), lowering.operand(node, 1, order))
    code, table = _BINARY[node.op]
    lowering.write(Operation(code, 1, inputs, table), node.outputs[0])


def emit_not(lowering: Lowering, node: Node) -> None:
    """Write a negation."""
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    lowering.write(Operation("LOGICAL_NOT", 1, (source,), "LogicalNotOptions"), node.outputs[0])


def emit_where(lowering: Lowering, node: Node) -> None:
    """Write a choice between two tensors by a third."""
    order = lowering.order(node.outputs[0])
    inputs = tuple(lowering.operand(node, at, order) for at in range(3))
    lowering.write(Operation("SELECT_V2", 1, inputs, "SelectV2Options"), node.outputs[0])


def emit_cast(lowering: Lowering, node: Node) -> None:
    """Write a change of type; none where both are stored alike."""
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    tensor = lowering.builder.tensor(source)
    written = tensor_type(lowering.graph.dtype(node.outputs[0]))
    if tensor.dtype is written:
        lowering.write_same(source, node.outputs[0])
        return
    options: dict[str, object] = {"inDataType": int(tensor.dtype), "outDataType": int(written)}
    lowering.write(Operation("CAST", 1, (source,), "CastOptions", options), node.outputs[0])
