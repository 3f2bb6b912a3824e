"""DequantizeLinear at the graph's input: what 8-bit pixels stand for.

A uint8 input tensor with that scale and zero point, read by one QUANTIZE to int8 (INT8), which only
moves the zero point, or by one DEQUANTIZE (FLOAT).
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.tensor_forms import requantize

__all__ = ["emit_dequantize_linear"]


def emit_dequantize_linear(lowering: Lowering, node: Node) -> None:
    """Write the step from pixels to the model's numbers.

    Raises:
        UnsupportedInputError: the input is no graph input of uint8.
    """
    if node.inputs[0] not in lowering.graph.inputs:
        raise UnsupportedInputError(
            f"{node.inputs[0]} is no input of the model; give the float model it was made from"
        )
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    if lowering.is_int8(node):
        lowering.write(requantize(source), node.outputs[0])
    else:
        operation = Operation("DEQUANTIZE", 1, (source,), "DequantizeOptions")
        lowering.write(operation, node.outputs[0])
