"""Sigmoid as LOGISTIC, Softmax as SOFTMAX.

Constraints upheld: the int8 kernels write scale 1/256 and zero point -128 and nothing else (the
quantization specification fixes both); where the graph says otherwise a QUANTIZE follows. SOFTMAX
runs along the last stored axis.
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.operators.base import UNIT_INTERVAL
from quantize.tflite.layout import stored_axis
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation

__all__ = ["emit_sigmoid", "emit_softmax"]


def emit_sigmoid(lowering: Lowering, node: Node) -> None:
    """Write the logistic function."""
    operation = Operation("LOGISTIC", 2, (lowering.activation(node.inputs[0]),))
    lowering.write(operation, node.outputs[0], UNIT_INTERVAL)


def emit_softmax(lowering: Lowering, node: Node) -> None:
    """Write a softmax over the channels of an image, or the last axis of anything else.

    Raises:
        UnsupportedInputError: another axis.
    """
    rank = len(lowering.graph.shape(node.inputs[0]))
    axis = int(node.attributes.get("axis", -1))
    if stored_axis(axis, rank) != rank - 1:
        raise UnsupportedInputError(
            f"Softmax over axis {axis} of {rank} is not TFLite's last axis; transpose beforehand"
        )
    operation = Operation(
        "SOFTMAX", 2, (lowering.activation(node.inputs[0]),), "SoftmaxOptions", {"beta": 1.0}
    )
    lowering.write(operation, node.outputs[0], UNIT_INTERVAL)
