"""What a model file says of itself.

edge-quantize writes the manifest's inputs and outputs as JSON into both artifacts, so that a
file that was taken out of its bundle still runs as it did inside:

- ONNX: `ModelProto.metadata_props` with the key `edgedx`
  (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, fields 14, 1 and 2);
- TFLite: an entry of `Model.metadata` with the name `edgedx`
  (https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from edge.errors import ManifestError
from edge.flatbuffer_wire import FlatBuffer
from edge.protobuf_wire import WireFormatError, iter_fields

if TYPE_CHECKING:
    from edge.bundle.manifest import ModelMetadata

__all__ = ["METADATA_KEY", "has_int8_weights", "has_state", "read_model_metadata"]

METADATA_KEY = "edgedx"

_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
_GRAPH, _INITIALIZER, _DIMENSIONS, _TENSOR_TYPE = 7, 5, 1, 2
# TensorProto.DataType.
_ONNX_8_BIT = frozenset({2, 3})

# Slots of the TFLite schema's tables, in the order of their fields.
_MODEL_SUBGRAPHS, _MODEL_BUFFERS, _MODEL_METADATA = 2, 4, 6
_SUBGRAPH_TENSORS = 0
_TENSOR_KIND, _TENSOR_BUFFER, _TENSOR_IS_VARIABLE = 1, 2, 5
# TensorType: UINT8 and INT8.
_TFLITE_8_BIT = frozenset({3, 9})
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_BUFFER_DATA = 0


def read_model_metadata(data: bytes, suffix: str) -> ModelMetadata | None:
    """Find what edge-quantize wrote into a model file.

    Args:
        data: the whole file.
        suffix: ".onnx" or ".tflite".

    Returns:
        The inputs and outputs, or None where the file holds nothing of ours.

    Raises:
        ManifestError: the file holds something under our key that is not what we write.
    """
    try:
        text = _onnx_entry(data) if suffix == ".onnx" else _tflite_entry(data)
    except (WireFormatError, struct.error, IndexError, UnicodeDecodeError):
        return None
    if text is None:
        return None
    from edge.bundle.manifest_reader import parse_model_metadata

    try:
        return parse_model_metadata(text)
    except ManifestError as error:
        raise ManifestError(f"the model file's own metadata is damaged: {error}") from error


def has_int8_weights(data: bytes, suffix: str) -> bool:
    """Whether a model file holds 8-bit weights, whatever its inputs and outputs are.

    Args:
        data: the whole file.
        suffix: ".onnx" or ".tflite".
    """
    try:
        kinds = _onnx_weight_types(data) if suffix == ".onnx" else _tflite_weight_types(data)
    except (WireFormatError, struct.error, IndexError):
        return False
    return not kinds.isdisjoint(_ONNX_8_BIT if suffix == ".onnx" else _TFLITE_8_BIT)


def has_state(data: bytes) -> bool:
    """Whether a TFLite file has variable tensors, which keep their values between calls.

    Args:
        data: the whole file. For one that cannot be read the answer is yes, which is always safe.
    """
    try:
        reader = FlatBuffer(data)
        return any(
            reader.byte(tensor, _TENSOR_IS_VARIABLE)
            for subgraph in reader.tables(reader.vector(reader.offset(0), _MODEL_SUBGRAPHS))
            for tensor in reader.tables(reader.vector(subgraph, _SUBGRAPH_TENSORS))
        )
    except (struct.error, IndexError):
        return True


def _onnx_weight_types(data: bytes) -> set[int]:
    kinds = set()
    for number, graph in iter_fields(memoryview(data)):
        if number != _GRAPH or isinstance(graph, int):
            continue
        for part, tensor in iter_fields(graph):
            if part != _INITIALIZER or isinstance(tensor, int):
                continue
            fields = dict(iter_fields(tensor))
            kind = fields.get(_TENSOR_TYPE)
            # Zero points are 8-bit scalars in float models too; weights have dimensions.
            if isinstance(kind, int) and _DIMENSIONS in fields:
                kinds.add(kind)
    return kinds


def _tflite_weight_types(data: bytes) -> set[int]:
    reader = FlatBuffer(data)
    model = reader.offset(0)
    buffers = reader.tables(reader.vector(model, _MODEL_BUFFERS))
    kinds = set()
    for subgraph in reader.tables(reader.vector(model, _MODEL_SUBGRAPHS)):
        for tensor in reader.tables(reader.vector(subgraph, _SUBGRAPH_TENSORS)):
            buffer = buffers[reader.uint(tensor, _TENSOR_BUFFER)]
            if reader.vector(buffer, _BUFFER_DATA)[1]:
                kinds.add(reader.byte(tensor, _TENSOR_KIND))
    return kinds


def _onnx_entry(data: bytes) -> bytes | None:
    for number, value in iter_fields(memoryview(data)):
        if number == _METADATA_PROPS and isinstance(value, memoryview):
            entry = dict(iter_fields(value))
            key, text = entry.get(_KEY), entry.get(_VALUE)
            if isinstance(key, memoryview) and bytes(key) == METADATA_KEY.encode():
                return bytes(text) if isinstance(text, memoryview) else b""
    return None


def _tflite_entry(data: bytes) -> bytes | None:
    reader = FlatBuffer(data)
    model = reader.offset(0)
    buffers = reader.vector(model, _MODEL_BUFFERS)
    for entry in reader.tables(reader.vector(model, _MODEL_METADATA)):
        if reader.bytes_of(entry, _METADATA_NAME) == METADATA_KEY.encode():
            index = reader.uint(entry, _METADATA_BUFFER)
            buffer = reader.tables(buffers)[index]
            return reader.bytes_of(buffer, _BUFFER_DATA)
    return None
