"""Functions of one tensor, element by element, that TFLite has an operator for.

Constraints upheld: ROUND rounds halves to even as ONNX does; SIGN of integers is version 2 and ABS
of integers version 5.
"""

from __future__ import annotations

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.quantized_graph import ActivationParams
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.elementwise import binary
from quantize.tflite.schema import TensorType

__all__ = ["emit_reciprocal", "emit_unary", "unary"]

_CODES = {
    "Abs": ("ABS", "AbsOptions"),
    "Ceil": ("CEIL", ""),
    "Cos": ("COS", "CosOptions"),
    "Exp": ("EXP", "ExpOptions"),
    "Floor": ("FLOOR", ""),
    "HardSwish": ("HARD_SWISH", "HardSwishOptions"),
    "Log": ("LOG", ""),
    "Neg": ("NEG", "NegOptions"),
    "Round": ("ROUND", ""),
    "Sign": ("SIGN", "SignOptions"),
    "Sin": ("SIN", ""),
    "Sqrt": ("SQRT", ""),
    "Tanh": ("TANH", ""),
}
_INT8_VERSIONS = {"HARD_SWISH": 1, "TANH": 2}
_INT32_VERSIONS = {"ABS": 5, "SIGN": 2}
_PRESCRIBED = {"TANH": ActivationParams(1 / 128, 128)}
"""The quantization specification fixes what the int8 kernel writes."""


def unary(code: str, source: int, version: int = 1) -> Operation:
    """The float operation of one tensor."""
    table = next((table for each, table in _CODES.values() if each == code), "")
    return Operation(code, version, (source,), table)


def emit_unary(lowering: Lowering, node: Node) -> None:
    """Write a function of one tensor.

    Raises:
        UnsupportedInputError: an int8 form that TFLite has not.
    """
    name = node.outputs[0]
    source = lowering.read(node, 0, lowering.order(name))
    code, _ = _CODES[node.op]
    dtype = lowering.builder.tensor(source).dtype
    if dtype is TensorType.INT8:
        if code not in _INT8_VERSIONS:
            raise UnsupportedInputError(f"int8 {code} cannot be written; leave it in float")
        lowering.write(unary(code, source, _INT8_VERSIONS[code]), name, _PRESCRIBED.get(code))
        return
    version = _INT32_VERSIONS.get(code, 1) if dtype is TensorType.INT32 else 1
    lowering.write(unary(code, source, version), name)


def emit_reciprocal(lowering: Lowering, node: Node) -> None:
    """Write 1 / x."""
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    one = lowering.add_constant("one", np.array(1, np.float32))
    lowering.write(binary(lowering, "DIV", (one, source)), node.outputs[0])
