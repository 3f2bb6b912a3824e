"""Concat as CONCATENATION.

Constraints upheld: int8 inputs and output have equal parameters; an input that differs is
requantized first. Constants are joined in float only. XNNPACK takes at most five inputs, so more
are joined five by five.
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.schema import TensorType

__all__ = ["emit_concat"]

_MOST_INPUTS = 5


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
    else:
        inputs = tuple(lowering.read(node, at, order) for at in positions)
    axis = order.index(int(node.attributes["axis"]) % len(order))
    while len(inputs) > _MOST_INPUTS:
        inputs = tuple(
            _joined(lowering, name, inputs[at : at + _MOST_INPUTS], axis)
            for at in range(0, len(inputs), _MOST_INPUTS)
        )
    lowering.write(_operation(lowering, inputs, axis), name)


def _operation(lowering: Lowering, inputs: tuple[int, ...], axis: int) -> Operation:
    is_int8 = lowering.builder.tensor(inputs[0]).dtype is TensorType.INT8
    options: dict[str, object] = {"axis": axis}
    version = 2 if is_int8 else 1
    return Operation("CONCATENATION", version, inputs, "ConcatenationOptions", options)


def _joined(lowering: Lowering, name: str, inputs: tuple[int, ...], axis: int) -> int:
    if len(inputs) == 1:
        return inputs[0]
    shapes = [lowering.builder.tensor(index).shape for index in inputs]
    length = sum(shape[axis] for shape in shapes)
    shape = (*shapes[0][:axis], length, *shapes[0][axis + 1 :])
    operation = _operation(lowering, inputs, axis)
    return lowering.derived(operation, f"{name}:partial", shape, inputs[0])
