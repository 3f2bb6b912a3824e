"""What the toolchain has to know about an operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import ActivationParams, Precision

__all__ = ["FLOAT_ONLY", "INT8_OR_FLOAT", "UNIT_INTERVAL", "FaultFinder", "Operator"]

FaultFinder = Callable[[FloatGraph, Node], str | None]

UNIT_INTERVAL = ActivationParams(scale=1.0 / 256.0, zero_point=0)
"""What the TensorFlow Lite 8-bit specification prescribes for LOGISTIC and SOFTMAX outputs."""


INT8_OR_FLOAT = frozenset({Precision.INT8, Precision.FLOAT})

FLOAT_ONLY = frozenset({Precision.FLOAT})
"""Operators that no integer kernel of both engines computes; they stand between integer ones."""


def _no_fault(_graph: FloatGraph, _node: Node) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Operator:
    """How one ONNX operator is calibrated, quantized and written.

    The int8 ONNX writer follows these fields: data inputs come through DequantizeLinear from
    uint8, weight and bias through DequantizeLinear from int8 and int32, parameters stay as they
    are, and the output goes through QuantizeLinear.

    Attributes:
        op: ONNX name.
        weight: position of the input quantized per output channel (axis 0); None for none.
        bias: position of the int32 input; None for none.
        parameters: positions of inputs that are not numbers to compute with: a shape, pads,
            bounds. They must be constants.
        takes_constant: whether a data input may be a constant (quantized per tensor).
        is_same_scale: whether integer arithmetic needs every data input and the output in the
            same scale and zero point.
        fixed_output: parameters that the output must have; None where calibration decides.
        find_fault: why a given node of this operator cannot be written at all; None if it can.
        precisions: what the operator can be computed in.
        int8_fault: why a given node cannot be INT8 though the operator can; None if it can.
        dynamic_weights: positions of the inputs that are int8 where the node is DYNAMIC, with one
            scale for each row (all axes but the last).
    """

    op: str
    weight: int | None = None
    bias: int | None = None
    parameters: frozenset[int] = frozenset()
    takes_constant: bool = False
    is_same_scale: bool = False
    fixed_output: ActivationParams | None = None
    find_fault: FaultFinder = _no_fault
    precisions: frozenset[Precision] = INT8_OR_FLOAT
    int8_fault: FaultFinder = _no_fault
    dynamic_weights: tuple[int, ...] = ()

    def weight_input(self, node: Node) -> str:
        """Name of the weight; "" for none."""
        return _input_at(node, self.weight)

    def bias_input(self, node: Node) -> str:
        """Name of the bias; "" for none."""
        return _input_at(node, self.bias)

    def data_inputs(self, node: Node) -> tuple[str, ...]:
        """The inputs that are activations (or constants computed with, in Add and Mul)."""
        apart = self.parameters | {self.weight, self.bias}
        return tuple(name for at, name in enumerate(node.inputs) if name and at not in apart)


def _input_at(node: Node, at: int | None) -> str:
    return "" if at is None or at >= len(node.inputs) else node.inputs[at]
