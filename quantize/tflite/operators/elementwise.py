"""Add and Mul as ADD and MUL.

Constraints upheld: both operands have as many axes as the result, or are constants that broadcast;
a constant operand is int8 with its own parameters. MUL is version 3 where the product's scale is
not below the output's, which older kernels cannot multiply by. ADD takes a fused activation.
"""

from __future__ import annotations

from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation

__all__ = ["emit_add", "emit_mul"]


def emit_add(lowering: Lowering, node: Node) -> None:
    """Write a sum, with the activation after it.

    Raises:
        UnsupportedInputError: an operand without int8 parameters or with fewer axes.
    """
    name, activation = lowering.result(node)
    rank = len(lowering.graph.shape(node.outputs[0]))
    inputs = (lowering.operand(node.inputs[0], rank), lowering.operand(node.inputs[1], rank))
    options = {"fusedActivationFunction": int(activation)}
    lowering.write(Operation("ADD", 2, inputs, "AddOptions", options), name)


def emit_mul(lowering: Lowering, node: Node) -> None:
    """Write a product.

    Raises:
        UnsupportedInputError: an operand without int8 parameters or with fewer axes.
    """
    name = node.outputs[0]
    rank = len(lowering.graph.shape(name))
    first, second = node.inputs
    product = lowering.params(first).scale * lowering.params(second).scale
    version = 3 if product >= lowering.params(name).scale else 2
    inputs = (lowering.operand(first, rank), lowering.operand(second, rank))
    lowering.write(Operation("MUL", version, inputs, "MulOptions"), name)
