"""A guard against a fault of LiteRT's built-in kernels that gives wrong answers silently.

The memory planner lets elementwise kernels write over their input where nothing else reads it, and
RESHAPE share its input's memory always. It counts readers of the memory's first tensor only: if A
is written over x, and both RESHAPE and a later operator read A, then a kernel after the RESHAPE may
write over A before that operator reads it (`IdentifyInPlaceTensors` in `tflite/arena_planner.cc`;
seen with ai-edge-litert 2.3.0, without XNNPACK). A copy before such a RESHAPE keeps A.
"""

from __future__ import annotations

from collections.abc import Sequence

from quantize.tflite.model_builder import ModelBuilder, Operation
from quantize.tflite.schema import TensorType

__all__ = ["separate_shared_buffers"]

_WRITES_ELSEWHERE = frozenset(
    {
        "ARG_MAX",
        "ARG_MIN",
        "AVERAGE_POOL_2D",
        "BATCH_MATMUL",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DEPTH_TO_SPACE",
        "DEQUANTIZE",
        "FULLY_CONNECTED",
        "GATHER",
        "GATHER_ND",
        "MAX_POOL_2D",
        "MEAN",
        "MIRROR_PAD",
        "PAD",
        "PADV2",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "REDUCE_PROD",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SLICE",
        "SPACE_TO_DEPTH",
        "STRIDED_SLICE",
        "SUM",
        "TILE",
        "TRANSPOSE",
        "TRANSPOSE_CONV",
    }
)
"""Operators whose output never lies in their input's memory."""

_FIVE_AXES = 5

_Step = tuple[Operation, tuple[int, ...]]


def separate_shared_buffers(builder: ModelBuilder) -> None:
    """Put a copy before every RESHAPE whose result may be written over too early."""
    steps = list(builder.operations)
    readers: dict[int, list[int]] = {}
    writers: dict[int, Operation] = {}
    for at, (operation, outputs) in enumerate(steps):
        for index in dict.fromkeys(operation.inputs):
            readers.setdefault(index, []).append(at)
        writers.update(dict.fromkeys(outputs, operation))
    result: list[_Step] = []
    for at, (operation, outputs) in enumerate(steps):
        kept = operation
        if operation.code == "RESHAPE":
            source = operation.inputs[0]
            is_shared = source in writers and writers[source].code not in _WRITES_ELSEWHERE
            is_read_later = readers[source][-1] > at
            if is_shared and is_read_later and _is_overwritten(steps, readers, outputs[0]):
                copy, copied = _copy(builder, source)
                result.append((copy, (copied,)))
                kept = Operation(
                    operation.code,
                    operation.version,
                    (copied, *operation.inputs[1:]),
                    operation.options_type,
                    operation.options,
                )
        result.append((kept, outputs))
    builder.replace_operations(result)


def _is_overwritten(steps: Sequence[_Step], readers: dict[int, list[int]], index: int) -> bool:
    """Whether a kernel that reads a reshaped tensor, perhaps reshaped again, may write over it."""
    for at in readers.get(index, ()):
        operation, outputs = steps[at]
        if operation.code == "RESHAPE":
            if _is_overwritten(steps, readers, outputs[0]):
                return True
        elif operation.code not in _WRITES_ELSEWHERE:
            return True
    return False


def _copy(builder: ModelBuilder, source: int) -> tuple[Operation, int]:
    tensor = builder.tensor(source)
    begin = builder.add_int32("begin", [0] * len(tensor.shape))
    size = builder.add_int32("size", tensor.shape)
    version = 2 if tensor.dtype is TensorType.INT8 else 1
    version = 5 if len(tensor.shape) >= _FIVE_AXES else version
    copied = builder.add_like(f"{tensor.name}:copy", source)
    return Operation("SLICE", version, (source, begin, size), "SliceOptions"), copied
