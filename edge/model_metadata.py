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
from edge.protobuf_wire import WireFormatError, iter_fields

if TYPE_CHECKING:
    from edge.bundle.manifest import ModelMetadata

__all__ = ["METADATA_KEY", "has_int8_weights", "read_model_metadata"]

METADATA_KEY = "edgedx"

_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
_GRAPH, _INITIALIZER, _DIMENSIONS, _TENSOR_TYPE = 7, 5, 1, 2
# TensorProto.DataType.
_ONNX_8_BIT = frozenset({2, 3})

# Slots of the TFLite schema's tables, in the order of their fields.
_MODEL_SUBGRAPHS, _MODEL_BUFFERS, _MODEL_METADATA = 2, 4, 6
_SUBGRAPH_TENSORS = 0
_TENSOR_KIND, _TENSOR_BUFFER = 1, 2
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
    reader = _FlatBuffer(data)
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
    reader = _FlatBuffer(data)
    model = reader.offset(0)
    buffers = reader.vector(model, _MODEL_BUFFERS)
    for entry in reader.tables(reader.vector(model, _MODEL_METADATA)):
        if reader.bytes_of(entry, _METADATA_NAME) == METADATA_KEY.encode():
            index = reader.uint(entry, _METADATA_BUFFER)
            buffer = reader.tables(buffers)[index]
            return reader.bytes_of(buffer, _BUFFER_DATA)
    return None


class _FlatBuffer:
    """Reads tables of a FlatBuffer (https://flatbuffers.dev/internals/), bounds-checked."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def offset(self, position: int) -> int:
        """Follow the unsigned offset at a position."""
        return position + int(struct.unpack_from("<I", self._data, position)[0])

    def _field(self, table: int, slot: int) -> int | None:
        vtable = table - int(struct.unpack_from("<i", self._data, table)[0])
        if vtable < 0:
            raise IndexError("virtual table before the file")
        size = int(struct.unpack_from("<H", self._data, vtable)[0])
        place = 4 + 2 * slot
        if place + 2 > size:
            return None
        relative = int(struct.unpack_from("<H", self._data, vtable + place)[0])
        return table + relative if relative else None

    def uint(self, table: int, slot: int) -> int:
        """An unsigned 32-bit field; 0 where it is absent."""
        place = self._field(table, slot)
        return 0 if place is None else int(struct.unpack_from("<I", self._data, place)[0])

    def byte(self, table: int, slot: int) -> int:
        """An unsigned 8-bit field; 0 where it is absent."""
        place = self._field(table, slot)
        return 0 if place is None else self._data[place]

    def vector(self, table: int, slot: int) -> tuple[int, int]:
        """First element's position and number of elements; (0, 0) where it is absent."""
        place = self._field(table, slot)
        if place is None:
            return 0, 0
        start = self.offset(place)
        return start + 4, int(struct.unpack_from("<I", self._data, start)[0])

    def tables(self, vector: tuple[int, int]) -> list[int]:
        """Positions of the tables in a vector."""
        start, count = vector
        if count > len(self._data) // 4:
            raise IndexError("vector longer than the file")
        return [self.offset(start + 4 * index) for index in range(count)]

    def bytes_of(self, table: int, slot: int) -> bytes:
        """A vector of bytes or a string."""
        start, count = self.vector(table, slot)
        return self._data[start : start + count]
