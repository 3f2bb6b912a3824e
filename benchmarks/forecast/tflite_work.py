"""The work of a TFLite file, read from the file alone: its shapes are all fixed.

Source of the table slots and codes: the TFLite schema, `tflite/converter/schema/schema.fbs` of
google-ai-edge/LiteRT.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from benchmarks.forecast.work import (
    ModelWork,
    Operation,
    OperationKind,
    Tensor,
    bytes_of,
    convolution_multiplications,
    matrix_multiplications,
)
from edge.errors import InputError
from edge.flatbuffer_wire import FlatBuffer

__all__ = ["read_tflite_work"]

_CODES, _SUBGRAPHS, _BUFFERS = 1, 2, 4
_OLD_CODE, _CODE = 0, 3
_TENSORS, _OPERATORS = 0, 3
_SHAPE, _TYPE, _BUFFER = 0, 1, 2
_OPCODE_INDEX, _INPUTS, _OUTPUTS = 0, 1, 2

_ITEM_BYTES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1, 10: 8}
_INTEGER_TYPES = (3, 9)
_CONV_2D, _DEPTHWISE, _FULLY_CONNECTED, _LSTM = 3, 4, 9, 16
_SEQUENCE_LSTM, _SEQUENCE_RNN, _TRANSPOSE_CONV, _BATCH_MATMUL = 44, 35, 67, 126
_RECURRENT = (_LSTM, _SEQUENCE_LSTM, _SEQUENCE_RNN)
_KINDS: dict[int, OperationKind] = {
    _CONV_2D: "convolution",
    _TRANSPOSE_CONV: "convolution",
    _DEPTHWISE: "depthwise",
    _FULLY_CONNECTED: "matrix",
    _BATCH_MATMUL: "matrix",
    **dict.fromkeys(_RECURRENT, "recurrent"),
}


def read_tflite_work(data: bytes, *, source: str = "model") -> ModelWork:
    """Count the work of the first subgraph.

    Args:
        data: the file.
        source: its name in messages.

    Raises:
        InputError: it is no TFLite model, or a damaged one.
    """
    try:
        return _Reader(data).work()
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise InputError(
            f"{source} is not a readable TFLite model ({error}); convert it again"
        ) from error


@dataclass(frozen=True, slots=True)
class _Step:
    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._file = FlatBuffer(data)
        root = self._file.offset(0)
        self._codes = [
            max(self._file.byte(code, _OLD_CODE), self._file.uint(code, _CODE))
            for code in self._file.tables(self._file.vector(root, _CODES))
        ]
        buffers = self._file.tables(self._file.vector(root, _BUFFERS))
        self._has_data = [self._file.vector(buffer, 0)[1] > 0 for buffer in buffers]
        self._data = data
        graph = self._file.tables(self._file.vector(root, _SUBGRAPHS))[0]
        tensors = self._file.tables(self._file.vector(graph, _TENSORS))
        self._tensors = [self._tensor(table) for table in tensors]
        operators = self._file.tables(self._file.vector(graph, _OPERATORS))
        self._steps = [self._step(table) for table in operators]

    def work(self) -> ModelWork:
        weights = {
            index for step in self._steps for index in step.inputs if self._tensors[index].is_weight
        }
        return ModelWork(
            operations=tuple(self._operation(at, step) for at, step in enumerate(self._steps)),
            peak_activation_bytes=self._peak_activation_bytes(),
            weight_bytes=sum(self._tensors[index].size_bytes for index in weights),
        )

    def _tensor(self, table: int) -> Tensor:
        kind = self._file.byte(table, _TYPE)
        return Tensor(
            shape=tuple(max(1, each) for each in self._integers(table, _SHAPE)),
            item_bytes=_ITEM_BYTES[kind],
            is_integer=kind in _INTEGER_TYPES,
            is_weight=self._has_data[self._file.uint(table, _BUFFER)],
        )

    def _step(self, table: int) -> _Step:
        return _Step(
            code=self._codes[self._file.uint(table, _OPCODE_INDEX)],
            # -1 stands for an optional tensor that is left out.
            inputs=tuple(each for each in self._integers(table, _INPUTS) if each >= 0),
            outputs=tuple(self._integers(table, _OUTPUTS)),
        )

    def _integers(self, table: int, slot: int) -> tuple[int, ...]:
        start, count = self._file.vector(table, slot)
        if count > len(self._data) // 4:
            raise IndexError("vector longer than the file")
        return struct.unpack_from(f"<{count}i", self._data, start) if count else ()

    def _operation(self, at: int, step: _Step) -> Operation:
        read = [self._tensors[index] for index in step.inputs]
        written = [self._tensors[index] for index in step.outputs]
        kind = _KINDS.get(step.code, "other")
        weights = [each for each in read if each.is_weight]
        # A float activation beside int8 weights is quantized by the kernel: integers multiply.
        factors = weights if weights and kind != "other" else read
        return Operation(
            name=f"{at} code {step.code}",
            kind=kind,
            is_integer=any(each.is_integer for each in factors),
            multiplications=_multiplications(step.code, read, written[0]) if written else 0,
            activation_bytes=bytes_of([*read, *written], weights=False),
            weight_bytes=bytes_of(read, weights=True),
            elements=sum(each.elements for each in written),
        )

    def _peak_activation_bytes(self) -> int:
        """Bytes alive at the worst step: from the writing of a tensor to its last reading."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for at, step in enumerate(self._steps):
            for index in (*step.inputs, *step.outputs):
                if not self._tensors[index].is_weight:
                    first.setdefault(index, at)
                    last[index] = at
        changes = [0] * (len(self._steps) + 1)
        for index, at in first.items():
            changes[at] += self._tensors[index].size_bytes
            changes[last[index] + 1] -= self._tensors[index].size_bytes
        peak = alive = 0
        for change in changes:
            alive += change
            peak = max(peak, alive)
        return peak


def _multiplications(code: int, read: list[Tensor], output: Tensor) -> int:
    if code == _CONV_2D:  # weights OHWI; grouped ones have I of one group
        return convolution_multiplications(output, math.prod(read[1].shape[1:]))
    if code == _DEPTHWISE:  # weights 1HWC
        return convolution_multiplications(output, math.prod(read[1].shape[1:3]))
    if code == _TRANSPOSE_CONV:  # output shape, weights OHWI, input
        return convolution_multiplications(read[2], read[1].elements // read[2].shape[-1])
    if code == _FULLY_CONNECTED:
        return output.elements * read[1].shape[-1]
    if code == _BATCH_MATMUL:
        return matrix_multiplications(read[0], output)
    if code in _RECURRENT:
        steps = math.prod(read[0].shape[:-1])
        return steps * sum(
            each.elements
            for each in read[1:]
            if each.is_weight and len(each.shape) == 2  # noqa: PLR2004 - matrices
        )
    return 0
