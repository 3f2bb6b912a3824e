"""The work of an ONNX file, as onnxruntime runs it after its own optimizations.

A board has no `onnx` package, and shapes inside a model are not in its file. So the model is run
once on zeros under onnxruntime's profiler, which writes the shapes and types of every node. Its
times are thrown away: they are those of this machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.forecast.work import (
    ModelWork,
    Operation,
    OperationKind,
    Tensor,
    convolution_multiplications,
    matrix_multiplications,
)
from edge.errors import InputError

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["profile_onnx_work"]

_ITEM_BYTES = {"float": 4, "float16": 2, "double": 8, "int64": 8, "uint64": 8, "int32": 4}
_INTEGER_TYPES = ("int8", "uint8")
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
_CONVOLUTIONS = ("Conv", "FusedConv", "NhwcFusedConv", "QLinearConv", "ConvInteger")
_WEIGHTS_AT = {"QLinearConv": 3}
_MATRIX_PRODUCTS = (
    "Gemm", "QGemm", "MatMul", "FusedMatMul", "FusedGemm", "QLinearMatMul", "MatMulInteger",
    "MatMulIntegerToFloat", "DynamicQuantizeMatMul",
)  # fmt: skip
_RECURRENT = ("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM")


def profile_onnx_work(data: bytes, folder: Path, *, source: str = "model") -> ModelWork:
    """Run the model once on zeros and count what it did.

    Args:
        data: the file; an axis that it leaves open counts 1.
        folder: for the profiler's file.
        source: the model's name in messages.

    Raises:
        InputError: onnxruntime does not take the model, or not its zeros.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    # All but layouts: those pad channels to suit this machine's vectors.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    # Packed weights leave a node's inputs, and with them its shapes.
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.profile_file_prefix = str(folder / "profile")
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        session.run(None, {each.name: _zeros(each) for each in session.get_inputs()})
        profile = session.end_profiling()
    except InputError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"cannot count the work of {source}: onnxruntime says: {reason}; "
            "give its .tflite file or its bundle"
        ) from error
    return _work(json.loads(Path(profile).read_bytes()))


def _zeros(entry: onnxruntime.NodeArg) -> np.ndarray[Any, Any]:
    shape = [axis if isinstance(axis, int) and axis > 0 else 1 for axis in entry.shape]
    dtype = _DTYPES.get(entry.type)
    if dtype is None:
        raise InputError(f"input {entry.name} holds {entry.type}; give a model of numbers")
    return np.zeros(shape, dtype)


def _work(events: Sequence[Mapping[str, Any]]) -> ModelWork:
    nodes = [
        each
        for each in events
        if each.get("cat") == "Node" and each["name"].endswith("_kernel_time")
    ]
    operations = tuple(_operation(each) for each in nodes)
    return ModelWork(
        operations=operations,
        # An activation lives at least while it is read and its reader writes.
        peak_activation_bytes=max((each.activation_bytes for each in operations), default=0),
        weight_bytes=sum(each.weight_bytes for each in operations),
    )


def _operation(event: Mapping[str, Any]) -> Operation:
    values = event["args"]
    weights = int(values["parameter_size"])
    kind = values["op_name"]
    read = [_tensor(each) for each in values["input_type_shape"]]
    written = [_tensor(each) for each in values["output_type_shape"]]
    multiplications = _multiplications(kind, read, written[0]) if written else 0
    return Operation(
        name=event["name"].removesuffix("_kernel_time"),
        kind=_kind(kind, read),
        is_integer=any(each.is_integer for each in read),
        multiplications=multiplications,
        activation_bytes=int(values["activation_size"]) + int(values["output_size"]),
        weight_bytes=weights,
        elements=sum(each.elements for each in written),
    )


def _tensor(entry: Mapping[str, Sequence[int]]) -> Tensor:
    ((kind, shape),) = entry.items()
    return Tensor(tuple(shape), _ITEM_BYTES.get(kind, 1), kind in _INTEGER_TYPES)


def _kind(name: str, read: Sequence[Tensor]) -> OperationKind:
    if name in _CONVOLUTIONS:
        weights = read[_WEIGHTS_AT.get(name, 1)].shape
        return "depthwise" if weights[1] == 1 and weights[0] > 1 else "convolution"
    if name == "ConvTranspose":
        return "convolution"
    if name in _RECURRENT:
        return "recurrent"
    return "matrix" if name in _MATRIX_PRODUCTS else "other"


def _multiplications(name: str, read: Sequence[Tensor], output: Tensor) -> int:
    if name in _CONVOLUTIONS:  # weights OIHW
        weights = read[_WEIGHTS_AT.get(name, 1)]
        return convolution_multiplications(output, math.prod(weights.shape[1:]))
    if name == "ConvTranspose":  # weights IOHW
        return convolution_multiplications(read[0], math.prod(read[1].shape[1:]))
    if name in _RECURRENT:  # X [steps, batch, inputs], W and R [directions, gates, ...]
        steps = math.prod(read[0].shape[:2])
        return steps * (read[1].elements + read[2].elements)
    return matrix_multiplications(read[0], output) if name in _MATRIX_PRODUCTS else 0
