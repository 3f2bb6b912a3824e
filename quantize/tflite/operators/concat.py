"""Concat as CONCATENATION.

Constraints upheld: int8 inputs and output have equal parameters; an input that differs is
requantized first.
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.layout import stored_axis
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation

__all__ = ["emit_concat"]


def emit_concat(lowering: Lowering, node: Node) -> None:
    """Write a concatenation along any axis.

    Raises:
        UnsupportedInputError: an input is a constant.
    """
    constants = [name for name in node.inputs if name in lowering.graph.constants]
    if constants:
        raise UnsupportedInputError(
            f"its inputs {constants} are constants; only activations can be joined"
        )
    name = node.outputs[0]
    params = lowering.params(name)
    rank = len(lowering.graph.shape(name))
    inputs = tuple(lowering.activation_in(source, params) for source in node.inputs)
    options: dict[str, object] = {"axis": stored_axis(int(node.attributes["axis"]), rank)}
    lowering.write(Operation("CONCATENATION", 2, inputs, "ConcatenationOptions", options), name)
