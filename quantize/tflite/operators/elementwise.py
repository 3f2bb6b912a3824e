"""Arithmetic of two tensors or more, element by element.

Constraints upheld: a constant operand is int8 with its own parameters; an activation of fewer axes
is reshaped where the result is not stored in ONNX order. MUL is version 3 where the product's
scale is not below the output's, which older kernels cannot multiply by. MINIMUM and MAXIMUM keep
parameters, so int8 operands that differ are requantized. ADD takes a fused activation. Powers of 2,
0.5 and 1 have operators of their own, which XNNPACK takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation, TensorSpecification
from quantize.tflite.orders import Order, store_operand
from quantize.tflite.schema import TensorType

__all__ = ["binary", "emit_arithmetic", "emit_extremum", "emit_mean", "emit_pow", "emit_sum"]

_OPTIONS = {
    "ADD": "AddOptions",
    "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MUL": "MulOptions",
    "SUB": "SubOptions",
}
_CODES = {"Add": "ADD", "Div": "DIV", "Mul": "MUL", "Sub": "SUB"}
_EXTREMA = {"Max": "MAXIMUM", "Min": "MINIMUM"}
_FOUR_AXES = 4


def _version(lowering: Lowering, code: str, inputs: tuple[int, int]) -> int:
    first, second = (lowering.builder.tensor(index) for index in inputs)
    version = 2 if first.dtype is TensorType.INT8 else 1
    is_wide = max(len(first.shape), len(second.shape)) > _FOUR_AXES
    if is_wide and first.shape != second.shape:
        return {"DIV": 2, "MAXIMUM": 3, "MINIMUM": 3, "SUB": 3}.get(code, version)
    return version


def binary(
    lowering: Lowering, code: str, inputs: tuple[int, int], activation: int = 0
) -> Operation:
    """The operation of two stored operands that broadcast against each other."""
    options: dict[str, object] = {}
    if _OPTIONS[code] != "MaximumMinimumOptions":
        options["fusedActivationFunction"] = activation
    return Operation(code, _version(lowering, code, inputs), inputs, _OPTIONS[code], options)


def emit_arithmetic(lowering: Lowering, node: Node) -> None:
    """Write a sum, difference, product or quotient, with the activation after it.

    Raises:
        UnsupportedInputError: an int8 quotient, which TFLite has not.
    """
    name, activation = lowering.result(node)
    order = lowering.order(node.outputs[0])
    code = _CODES[node.op]
    if code == "DIV" and lowering.is_int8(node):
        raise UnsupportedInputError("TFLite has no int8 DIV; leave it in float")
    inputs = (lowering.operand(node, 0, order), lowering.operand(node, 1, order))
    operation = binary(lowering, code, inputs, int(activation))
    if code == "MUL" and lowering.is_int8(node) and _exceeds(lowering, node):
        operation = Operation("MUL", 3, inputs, operation.options_type, operation.options)
    lowering.write(operation, name)


def _exceeds(lowering: Lowering, node: Node) -> bool:
    first, second = (lowering.params(name).scale for name in node.inputs)
    return first * second >= lowering.params(node.outputs[0]).scale


def emit_extremum(lowering: Lowering, node: Node) -> None:
    """Write the smaller or larger of any number of tensors."""
    order = lowering.order(node.outputs[0])
    params = lowering.params(node.outputs[0]) if lowering.is_int8(node) else None
    if params is None:
        operands = [lowering.operand(node, at, order) for at in range(len(node.inputs))]
    else:
        operands = [
            lowering.activation_in(node, at, order, params) for at in range(len(node.inputs))
        ]
    _write_fold(lowering, node, operands, _EXTREMA[node.op])


def emit_sum(lowering: Lowering, node: Node) -> None:
    """Write the sum of any number of tensors."""
    order = lowering.order(node.outputs[0])
    operands = [lowering.operand(node, at, order) for at in range(len(node.inputs))]
    _write_fold(lowering, node, operands, "ADD")


def emit_mean(lowering: Lowering, node: Node) -> None:
    """Write the mean of any number of float tensors."""
    order = lowering.order(node.outputs[0])
    operands = [lowering.operand(node, at, order) for at in range(len(node.inputs))]
    total = reduce(lambda left, right: _fold(lowering, node, "ADD", left, right), operands)
    share = lowering.add_constant("share", np.array(1 / len(operands), np.float32))
    lowering.write(binary(lowering, "MUL", (total, share)), node.outputs[0])


def _write_fold(lowering: Lowering, node: Node, operands: list[int], code: str) -> None:
    if len(operands) == 1:
        params = lowering.params(node.outputs[0]) if lowering.is_int8(node) else None
        lowering.write_same(operands[0], node.outputs[0], params)
        return
    before = reduce(lambda left, right: _fold(lowering, node, code, left, right), operands[:-1])
    lowering.write(binary(lowering, code, (before, operands[-1])), node.outputs[0])


def _fold(lowering: Lowering, node: Node, code: str, left: int, right: int) -> int:
    shapes = [lowering.builder.tensor(index).shape for index in (left, right)]
    shape = tuple(int(length) for length in np.broadcast_shapes(*shapes))
    target = lowering.builder.tensor(lowering.home_tensor(node.outputs[0]))
    index = lowering.builder.add_tensor(
        TensorSpecification(f"{node.outputs[0]}:partial", shape, target.dtype, target.quantization)
    )
    lowering.builder.add_operation(binary(lowering, code, (left, right)), index)
    return index


def emit_pow(lowering: Lowering, node: Node) -> None:
    """Write a power; the usual exponents as operators of their own."""
    order = lowering.order(node.outputs[0])
    exponent = node.inputs[1]
    values = lowering.graph.constants.get(exponent)
    is_usual = values is not None and values.size == 1 and values.item() in _POWERS
    if values is not None and is_usual and lowering.graph.is_float(node.inputs[0]):
        source = lowering.operand(node, 0, order)
        shape = lowering.builder.tensor(source).shape
        if shape == lowering.builder.tensor(lowering.home_tensor(node.outputs[0])).shape:
            operation = _POWERS[float(values.reshape(-1)[0])](lowering, source)
            lowering.write(operation, node.outputs[0])
            return
    if values is not None:
        power = lowering.add_constant(exponent, _as_base(lowering, node, order))
    else:
        power = lowering.operand(node, 1, order)
    inputs = (lowering.operand(node, 0, order), power)
    lowering.write(Operation("POW", 1, inputs, "PowOptions"), node.outputs[0])


def _as_base(lowering: Lowering, node: Node, order: Order) -> NDArray[Any]:
    """The constant exponent in the base's type, which POW asks for."""
    values = store_operand(lowering.graph.constants[node.inputs[1]], order)
    return values.astype(lowering.graph.dtype(node.inputs[0]))


_POWERS: Mapping[float, Callable[[Lowering, int], Operation]] = {
    0.5: lambda _, source: Operation("SQRT", 1, (source,)),
    1.0: lambda lowering, source: lowering.reshape(source, lowering.builder.tensor(source).shape),
    2.0: lambda _, source: Operation("SQUARE", 1, (source,), "SquareOptions"),
}
