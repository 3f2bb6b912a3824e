"""Tensors and operations in, the bytes of a .tflite file out.

Nothing here knows ONNX or a layout: it is the encoding alone. The same calls in the same order
give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputTooLargeError
from quantize.tflite.schema import TensorType, load_schema
from quantize.tflite.vector_sharing import sharing_builder

__all__ = ["ModelBuilder", "Operation", "Quantization", "TensorSpecification"]

_DESCRIPTION = "edgedx"
_SCHEMA_VERSION = 3
_FILE_IDENTIFIER = b"TFL3"
_LARGEST_FILE_BYTES = 2**31 - 1
_NUMPY_TYPES: Mapping[TensorType, np.dtype[Any]] = {
    TensorType.FLOAT32: np.dtype("<f4"),
    TensorType.INT32: np.dtype("<i4"),
    TensorType.UINT8: np.dtype("u1"),
    TensorType.BOOL: np.dtype("?"),
    TensorType.INT8: np.dtype("i1"),
}


@dataclass(frozen=True, slots=True)
class Quantization:
    """Affine parameters of a tensor.

    Attributes:
        scale: float32, one value, or one a slice along `dimension`.
        zero_point: integers, as many as scales.
        dimension: the axis that several scales run along.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    dimension: int = 0


@dataclass(frozen=True, slots=True)
class TensorSpecification:
    """One tensor as the file will hold it.

    Attributes:
        name: what interpreters show; made unique by the builder where it is taken.
        shape: static, in stored (NHWC) order.
        dtype: element type.
        quantization: None for float32 and for shape-like constants.
        data: the constant, of `shape`; None for what is computed. It may be a view in any memory
            order: it is copied once, into the file.
        is_variable: whether the interpreter keeps its value between invocations.
    """

    name: str
    shape: tuple[int, ...]
    dtype: TensorType
    quantization: Quantization | None = None
    data: NDArray[Any] | None = None
    is_variable: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the file will hold it.

    Attributes:
        code: name in `BuiltinOperator`.
        version: the lowest operator version that has this behaviour, so that older
            interpreters load the file (see `tensorflow/lite/tools/versioning/op_version.cc`).
        inputs: tensor indices.
        options: fields of the options table.
        options_type: name of the options table; "" where the operator has none.
    """

    code: str
    version: int
    inputs: tuple[int, ...]
    options_type: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _AlignedBuffer:
    """A constant's bytes, 16-byte aligned in the file.

    The schema asks for the alignment (`force_align: 16`), the generated `BufferT.Pack` drops it.
    """

    data: NDArray[Any] | None

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the name that ModelT.Pack calls
        """Write the table; returns its offset."""
        schema = load_schema()
        vector = None
        if self.data is not None and self.data.nbytes:
            size = self.data.nbytes
            builder.StartVector(1, size, 16)
            builder.head -= size
            builder.Bytes[builder.head : builder.head + size] = _content(self.data)
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


class ModelBuilder:
    """Collects one subgraph; equal constants share a buffer."""

    def __init__(self) -> None:
        self._tensors: list[TensorSpecification] = []
        self._tensor_buffers: list[int] = []
        self._names: set[str] = set()
        self._constants: dict[
            tuple[int, tuple[int, ...], TensorType, Quantization | None], int
        ] = {}
        self._buffers: list[NDArray[Any] | None] = [None]
        self._buffer_index: dict[bytes, int] = {}
        self._operations: list[tuple[Operation, tuple[int, ...]]] = []
        self._metadata: list[tuple[str, int]] = []

    def add_tensor(self, tensor: TensorSpecification) -> int:
        """Add a tensor; returns its index. A taken name gets a number appended.

        A constant that is there already in every respect but its name is not added again.
        """
        buffer = 0
        if tensor.data is not None:
            buffer = self._add_buffer(np.asarray(tensor.data, _NUMPY_TYPES[tensor.dtype]))
            known = (buffer, tensor.shape, tensor.dtype, tensor.quantization)
            if known in self._constants:
                return self._constants[known]
            self._constants[known] = len(self._tensors)
        name = tensor.name
        number = 1
        while name in self._names:
            number += 1
            name = f"{tensor.name}#{number}"
        self._names.add(name)
        self._tensors.append(
            TensorSpecification(
                name,
                tensor.shape,
                tensor.dtype,
                tensor.quantization,
                is_variable=tensor.is_variable,
            )
        )
        self._tensor_buffers.append(buffer)
        return len(self._tensors) - 1

    def tensor(self, index: int) -> TensorSpecification:
        """The tensor of that index, without its data."""
        return self._tensors[index]

    def add_int32(self, name: str, values: Sequence[int] | NDArray[np.int32]) -> int:
        """Add a constant of indices, paddings or a shape; returns its index."""
        data = np.asarray(values, np.int32)
        return self.add_tensor(
            TensorSpecification(name, tuple(data.shape), TensorType.INT32, data=data)
        )

    def add_metadata(self, name: str, content: bytes) -> None:
        """Add an entry that interpreters carry and do not read."""
        self._metadata.append((name, self._add_buffer(np.frombuffer(content, np.uint8))))

    def _add_buffer(self, values: NDArray[Any]) -> int:
        if not values.nbytes:
            return 0
        digest = hashlib.blake2b(_content(values), digest_size=16).digest()
        if digest not in self._buffer_index:
            self._buffer_index[digest] = len(self._buffers)
            self._buffers.append(values)
        return self._buffer_index[digest]

    def add_operation(self, operation: Operation, *outputs: int) -> None:
        """Append an operation and the tensors it writes; operations run in the order they come."""
        self._operations.append((operation, outputs))

    def add_like(self, name: str, index: int) -> int:
        """Add a computed tensor of the shape, type and parameters of another; returns its index."""
        pattern = self._tensors[index]
        return self.add_tensor(
            TensorSpecification(name, pattern.shape, pattern.dtype, pattern.quantization)
        )

    @property
    def operations(self) -> Sequence[tuple[Operation, tuple[int, ...]]]:
        """The operations and the tensors they write, in order."""
        return tuple(self._operations)

    def replace_operations(self, operations: Sequence[tuple[Operation, tuple[int, ...]]]) -> None:
        """Take other operations in place of those added."""
        self._operations = list(operations)

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Encode the model.

        Args:
            inputs: tensor indices of the model's inputs.
            outputs: tensor indices of the model's outputs.

        Returns:
            The file, beginning with its root offset and the identifier TFL3.

        Raises:
            InputTooLargeError: over 2 GiB, which FlatBuffers cannot address.
        """
        schema = load_schema()
        codes = sorted({(op.code, op.version) for op, _ in self._operations})
        subgraph = schema.SubGraphT(
            tensors=[
                _tensor(schema, tensor, buffer)
                for tensor, buffer in zip(self._tensors, self._tensor_buffers, strict=True)
            ],
            inputs=list(inputs),
            outputs=list(outputs),
            operators=[
                _operator(schema, operation, written, codes)
                for operation, written in self._operations
            ],
            name="main",
        )
        model = schema.ModelT(
            version=_SCHEMA_VERSION,
            operatorCodes=[_operator_code(schema, code, version) for code, version in codes],
            subgraphs=[subgraph],
            description=_DESCRIPTION,
            buffers=[_AlignedBuffer(content) for content in self._buffers],
            metadata=[
                schema.MetadataT(name=name, buffer=buffer) for name, buffer in self._metadata
            ],
        )
        # Grown by doubling otherwise, which holds the weights three times over.
        size = sum(values.nbytes + 64 for values in self._buffers if values is not None)
        size += 1024 * (len(self._tensors) + 64)
        if size > _LARGEST_FILE_BYTES:
            raise InputTooLargeError(f"the TFLite file would have about {size} bytes, over 2 GiB")
        builder = sharing_builder(size)
        builder.Finish(model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
        return bytes(memoryview(builder.Bytes)[builder.Head() :])


def _content(values: NDArray[Any]) -> memoryview:
    """The bytes of an array in C order, copied only where it lies in another."""
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).data


def _tensor(schema: Any, tensor: TensorSpecification, buffer: int) -> Any:
    quantization = None
    if tensor.quantization is not None:
        quantization = schema.QuantizationParametersT(
            scale=np.asarray(tensor.quantization.scale, np.float32),
            zeroPoint=np.asarray(tensor.quantization.zero_point, np.int64),
            quantizedDimension=tensor.quantization.dimension,
        )
    return schema.TensorT(
        shape=list(tensor.shape),
        type=int(tensor.dtype),
        buffer=buffer,
        name=tensor.name,
        quantization=quantization,
        hasRank=True,
        isVariable=tensor.is_variable,
    )


def _operator_code(schema: Any, code: str, version: int) -> Any:
    value = getattr(schema.BuiltinOperator, code)
    # Interpreters from before the code outgrew a byte read the deprecated field only.
    deprecated = min(value, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
    return schema.OperatorCodeT(
        deprecatedBuiltinCode=deprecated, builtinCode=value, version=version
    )


def _operator(
    schema: Any,
    operation: Operation,
    outputs: tuple[int, ...],
    codes: list[tuple[str, int]],
) -> Any:
    operator = schema.OperatorT(
        opcodeIndex=codes.index((operation.code, operation.version)),
        inputs=list(operation.inputs),
        outputs=list(outputs),
    )
    if operation.options_type:
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, operation.options_type)
        operator.builtinOptions = getattr(schema, f"{operation.options_type}T")(**operation.options)
    return operator
