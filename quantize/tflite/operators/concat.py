"""Concat as CONCATENATION.

Constraints upheld: int8 inputs and output have equal parameters; an input that differs is
requantized first. Constants are joined in float only.
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation

__all__ = ["emit_concat"]


def emit_concat(lowering: Lowering, node: Node) -> None:
    """Write a concatenation along any axis.

    Raises:
        UnsupportedInputError: an int8 input is a constant.
    """
    name = node.outputs[0]
    order = lowering.order(name)
    positions = range(len(node.inputs))
    if lowering.is_int8(node) and lowering.graph.is_float(name):
        constants = [name for name in node.inputs if name in lowering.graph.constants]
        if constants:
            raise UnsupportedInputError(
                f"its inputs {constants} are constants; only activations can be joined"
            )
        params = lowering.params(name)
        inputs = tuple(lowering.activation_in(node, at, order, params) for at in positions)
        version = 2
    else:
        inputs = tuple(lowering.read(node, at, order) for at in positions)
        version = 1
    options: dict[str, object] = {"axis": order.index(int(node.attributes["axis"]) % len(order))}
    lowering.write(
        Operation("CONCATENATION", version, inputs, "ConcatenationOptions", options), name
    )
