"""How an ONNX model's integer inputs and outputs are quantized.

onnxruntime says that an input is uint8 but not what its steps mean; the graph does: an integer
input is read by `DequantizeLinear`, an integer output is written by `QuantizeLinear`
(ONNX operator specification, opset 13 and later).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from edge.protobuf_wire import WireFormatError, iter_fields

__all__ = ["read_io_quantization"]

# Field numbers of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP_TYPE = 1, 2, 4
_TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_INTS, _TENSOR_NAME, _TENSOR_RAW = 2, 4, 5, 8, 9
_FLOAT, _UINT8, _INT8 = 1, 2, 3
_SCALAR_BYTES = 4
_LONGEST_VARINT = 10


def read_io_quantization(data: bytes) -> Mapping[str, tuple[float, int]]:
    """Find scale and zero point of tensors that cross the model's border as integers.

    Args:
        data: the whole ONNX file.

    Returns:
        (scale, zero point) by the name of every tensor that `DequantizeLinear` reads or
        `QuantizeLinear` writes with scalar parameters; names inside the graph are among them
        and do no harm. Empty for bytes that are no ONNX model: the engine says so better.
    """
    nodes: list[tuple[str, list[str], list[str]]] = []
    scalars: dict[str, float | int] = {}
    try:
        for graph in _messages(memoryview(data), _MODEL_GRAPH):
            for number, value in iter_fields(graph):
                if isinstance(value, int):
                    continue
                if number == _GRAPH_NODE:
                    nodes.append(_node(value))
                elif number == _GRAPH_INITIALIZER:
                    _add_scalar(value, scalars)
    except WireFormatError:
        return {}
    return _border_parameters(nodes, scalars)


def _border_parameters(
    nodes: list[tuple[str, list[str], list[str]]],
    scalars: Mapping[str, float | int],
) -> dict[str, tuple[float, int]]:
    parameters = {}
    for op, inputs, outputs in nodes:
        if op == "DequantizeLinear":
            name = inputs[0]
        elif op == "QuantizeLinear":
            name = outputs[0]
        else:
            continue
        scale = scalars.get(inputs[1]) if len(inputs) > 1 else None
        zero_point = scalars.get(inputs[2], 0) if len(inputs) > 2 else 0  # noqa: PLR2004
        if isinstance(scale, float):
            parameters[name] = (scale, int(zero_point))
    return parameters


def _messages(message: memoryview, wanted: int) -> list[memoryview]:
    return [
        value
        for number, value in iter_fields(message)
        if number == wanted and not isinstance(value, int)
    ]


def _node(message: memoryview) -> tuple[str, list[str], list[str]]:
    op, inputs, outputs = "", [], []
    for number, value in iter_fields(message):
        if isinstance(value, int):
            continue
        if number == _NODE_OP_TYPE:
            op = _text(value)
        elif number == _NODE_INPUT:
            inputs.append(_text(value))
        elif number == _NODE_OUTPUT:
            outputs.append(_text(value))
    return op, inputs, outputs


def _add_scalar(message: memoryview, scalars: dict[str, float | int]) -> None:
    fields = dict(iter_fields(message))
    name, kind = fields.get(_TENSOR_NAME), fields.get(_TENSOR_TYPE)
    if not isinstance(name, memoryview):
        return
    value: float | int | None = None
    if kind == _FLOAT:
        value = _float_scalar(fields.get(_TENSOR_RAW), fields.get(_TENSOR_FLOATS))
    elif kind in (_UINT8, _INT8):
        raw = fields.get(_TENSOR_RAW)
        if isinstance(raw, memoryview) and len(raw) == 1:
            value = int(struct.unpack("<B" if kind == _UINT8 else "<b", raw)[0])
        else:
            value = _int_scalar(fields.get(_TENSOR_INTS))
    if value is not None:
        scalars[_text(name)] = value


def _float_scalar(
    raw: int | memoryview | None,
    floats: int | memoryview | None,
) -> float | None:
    for packed in (raw, floats):
        if isinstance(packed, memoryview) and len(packed) == _SCALAR_BYTES:
            return float(struct.unpack("<f", packed)[0])
    if isinstance(floats, int):
        return float(struct.unpack("<f", struct.pack("<I", floats))[0])
    return None


def _int_scalar(ints: int | memoryview | None) -> int | None:
    if isinstance(ints, memoryview):
        # A packed field of one number: the varint itself.
        if not 0 < len(ints) <= _LONGEST_VARINT:
            return None
        ints = sum((byte & 0x7F) << (7 * index) for index, byte in enumerate(ints))
    if ints is None:
        return None
    return ints if ints < 1 << 63 else ints - (1 << 64)


def _text(part: memoryview) -> str:
    return bytes(part).decode("utf-8", "replace")
