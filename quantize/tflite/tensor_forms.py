"""What a tensor of the file holds, and the operations between integers and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import FloatGraph
from quantize.quantized_graph import ActivationParams
from quantize.tflite.model_builder import Operation, Quantization
from quantize.tflite.orders import Order
from quantize.tflite.schema import TensorType

__all__ = [
    "End",
    "Form",
    "dequantize",
    "pixel_quantization",
    "quantization",
    "requantize",
    "same_params",
    "tensor_type",
]

_TYPES: Mapping[str, TensorType] = {
    "float32": TensorType.FLOAT32,
    "int64": TensorType.INT32,
    "int32": TensorType.INT32,
    "uint8": TensorType.UINT8,
    "bool": TensorType.BOOL,
}


class Form(Enum):
    """What a tensor holds: its integers in 8 bit, or the values themselves."""

    INT8 = "int8"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class End:
    """The form and order in which a graph input or output stands in the file.

    Attributes:
        form: None for uint8, which no operator between the ends has.
        order: of its axes.
    """

    form: Form | None
    order: Order


def quantization(params: ActivationParams) -> Quantization:
    """The int8 form of activation parameters."""
    return Quantization((float(np.float32(params.scale)),), (params.int8_zero_point,))


def same_params(first: ActivationParams, second: ActivationParams) -> bool:
    """Whether two tensors' bytes mean the same values."""
    return quantization(first) == quantization(second)


def pixel_quantization(graph: FloatGraph, name: str) -> Quantization | None:
    """What a uint8 graph input stands for, as the DequantizeLinear that reads it says."""
    for node in graph.nodes:
        if node.op == "DequantizeLinear" and node.inputs[0] == name:
            scale, zero_point = (
                graph.constants[each].reshape(-1)[0] if each else 0 for each in node.inputs[1:3]
            )
            return Quantization((float(scale),), (int(zero_point),))
    return None


def tensor_type(dtype: str) -> TensorType:
    """TFLite's type for numpy's; integers of 64 bits are stored in 32.

    Raises:
        UnsupportedInputError: TFLite's operators do not take it.
    """
    if dtype not in _TYPES:
        raise UnsupportedInputError(
            f"tensors of {dtype} cannot be written; TFLite files hold {', '.join(_TYPES)}"
        )
    return _TYPES[dtype]


def requantize(source: int) -> Operation:
    """The operation that writes a tensor's values in (other) int8 parameters, saturating."""
    return Operation("QUANTIZE", 1, (source,), "QuantizeOptions")


def dequantize(source: int) -> Operation:
    """The operation that writes an int8 tensor's values in float32."""
    return Operation("DEQUANTIZE", 2, (source,), "DequantizeOptions")
