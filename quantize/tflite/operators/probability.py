"""Sigmoid as LOGISTIC, Softmax as SOFTMAX, LogSoftmax as LOG_SOFTMAX.

Constraints upheld: the int8 kernels write scale 1/256 and zero point -128 and nothing else (the
quantization specification fixes both); where the graph says otherwise a QUANTIZE follows. SOFTMAX
and LOG_SOFTMAX run along the last stored axis.
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.operators.base import UNIT_INTERVAL
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation

__all__ = ["emit_log_softmax", "emit_sigmoid", "emit_softmax"]


def emit_sigmoid(lowering: Lowering, node: Node) -> None:
    """Write the logistic function."""
    version = 2 if lowering.is_int8(node) else 1
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    lowering.write(Operation("LOGISTIC", version, (source,)), node.outputs[0], UNIT_INTERVAL)


def emit_softmax(lowering: Lowering, node: Node) -> None:
    """Write a softmax over one axis."""
    version = 2 if lowering.is_int8(node) else 1
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    operation = Operation("SOFTMAX", version, (source,), "SoftmaxOptions", {"beta": 1.0})
    lowering.write(operation, node.outputs[0], UNIT_INTERVAL)


def emit_log_softmax(lowering: Lowering, node: Node) -> None:
    """Write the logarithm of a softmax over one axis.

    Raises:
        UnsupportedInputError: in int8.
    """
    if lowering.is_int8(node):
        raise UnsupportedInputError("int8 LOG_SOFTMAX cannot be written; leave it in float")
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    lowering.write(Operation("LOG_SOFTMAX", 1, (source,), "LogSoftmaxOptions"), node.outputs[0])
