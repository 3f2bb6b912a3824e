"""Small real TFLite models, written with the schema that LiteRT ships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema  # noqa: TID253 - tests have every engine

_KINDS = {
    "float32": schema.TensorType.FLOAT32,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
    "bool": schema.TensorType.BOOL,
}
_CODES = schema.BuiltinOperator
_OPTIONS = schema.BuiltinOptions


class TfliteSketch:
    """Tensors and operators of a model under construction, one subgraph."""

    def __init__(self) -> None:
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._codes: list[Any] = []
        self._operators: list[Any] = []

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str = "float32",
        *,
        scale: tuple[float, int] | None = None,
        is_variable: bool = False,
    ) -> int:
        each = schema.TensorT()
        each.name, each.shape, each.type = name, list(shape), _KINDS[dtype]
        each.buffer, each.isVariable = 0, is_variable
        if scale is not None:
            each.quantization = schema.QuantizationParametersT()
            each.quantization.scale, each.quantization.zeroPoint = [scale[0]], [scale[1]]
        self._tensors.append(each)
        return len(self._tensors) - 1

    def constant(self, name: str, values: Any) -> int:
        array = np.asarray(values)
        index = self.tensor(name, array.shape, array.dtype.name)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self._buffers.append(buffer)
        self._tensors[index].buffer = len(self._buffers) - 1
        return index

    def operator(
        self, code: int, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
    ) -> None:
        opcode = schema.OperatorCodeT()
        opcode.builtinCode, opcode.version = code, 1
        opcode.deprecatedBuiltinCode = min(code, 127)
        self._codes.append(opcode)
        each = schema.OperatorT()
        each.opcodeIndex = len(self._codes) - 1
        each.inputs, each.outputs = list(inputs), list(outputs)
        if options is not None:
            each.builtinOptionsType, each.builtinOptions = options
        self._operators.append(each)

    def data(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.subgraphs = 3, [graph]
        model.operatorCodes, model.buffers = self._codes, self._buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def lstm_model(times: int, channels: int, hidden: int) -> tuple[bytes, list[np.ndarray]]:
    """A fused LSTM, labs [1, times, channels] -> states [1, times, hidden], which keeps its state.

    Returns:
        The file, and weights (input, forget, cell, output gate: on inputs, on states, biases).
    """
    random = np.random.default_rng(4)
    sketch = TfliteSketch()
    weights = [
        random.normal(0, 0.5, shape).astype(np.float32)
        for shape in [(hidden, channels)] * 4 + [(hidden, hidden)] * 4 + [(hidden,)] * 4
    ]
    places = [sketch.constant(f"w{index}", each) for index, each in enumerate(weights)]
    labs = sketch.tensor("labs", (1, times, channels))
    states = [sketch.tensor(name, (1, hidden), is_variable=True) for name in ("h", "c")]
    out = sketch.tensor("states", (1, times, hidden))
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    sketch.operator(
        _CODES.UNIDIRECTIONAL_SEQUENCE_LSTM,
        [labs, *places[:8], -1, -1, -1, *places[8:], -1, -1, *states, -1, -1, -1, -1],
        [out],
        (_OPTIONS.UnidirectionalSequenceLSTMOptions, options),
    )
    return sketch.data([labs], [out]), weights


def gather_model() -> bytes:
    """Picks rows [4] by which [1, 2] of int32, and turns flags (bool) and long (int64) to float."""
    sketch = TfliteSketch()
    rows = sketch.tensor("rows", (4,))
    which = sketch.tensor("which", (1, 2), "int32")
    flags = sketch.tensor("flags", (1, 3), "bool")
    long = sketch.tensor("long", (1, 3), "int64")
    picked = sketch.tensor("picked", (1, 2))
    sketch.operator(
        _CODES.GATHER, [rows, which], [picked], (_OPTIONS.GatherOptions, schema.GatherOptionsT())
    )
    outputs = [picked]
    for name, source in (("flags_out", flags), ("long_out", long)):
        out = sketch.tensor(name, (1, 3))
        sketch.operator(_CODES.CAST, [source], [out], (_OPTIONS.CastOptions, schema.CastOptionsT()))
        outputs.append(out)
    return sketch.data([rows, which, flags, long], outputs)


def flatten_model(dtype: str, scale: tuple[float, int]) -> bytes:
    """Reshapes pixels [1, 4, 4, 1] -> flat [1, 16], both of one quantized type."""
    sketch = TfliteSketch()
    pixels = sketch.tensor("pixels", (1, 4, 4, 1), dtype, scale=scale)
    shape = sketch.constant("shape", np.array([1, 16], np.int32))
    flat = sketch.tensor("flat", (1, 16), dtype, scale=scale)
    options = schema.ReshapeOptionsT()
    options.newShape = [1, 16]
    sketch.operator(_CODES.RESHAPE, [pixels, shape], [flat], (_OPTIONS.ReshapeOptions, options))
    return sketch.data([pixels], [flat])
