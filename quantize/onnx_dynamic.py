"""DYNAMIC layers in ONNX: int8 weights, activations quantized by what each run meets.

- Gemm: DynamicQuantizeLinear, MatMulInteger and a float scale (ONNX operator specification, opset
  11), the pattern that onnxruntime fuses into MatMulIntegerToFloat.
- LSTM: onnxruntime's DynamicQuantizeLSTM (contrib operator of com.microsoft).
- GRU and RNN, which have no integer kernel: int8 weights that are dequantized when the model is
  loaded; smaller on disk, float in computation.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.onnx_draft import OnnxDraft
from quantize.operators import OPERATORS
from quantize.quantized_graph import QuantizedGraph, QuantizedWeight

__all__ = ["write_dynamic"]

_CONTRIB = "com.microsoft"
_LSTM_INPUTS = 8


def write_dynamic(
    draft: OnnxDraft, node: Node, inputs: tuple[str, ...], quantized: QuantizedGraph
) -> None:
    """Write one DYNAMIC node.

    Args:
        draft: where to.
        node: a Gemm, LSTM, GRU or RNN.
        inputs: the tensors it reads; weights among them in float, which are not used.
        quantized: holds its integer weights.

    Raises:
        UnsupportedInputError: another operator.
    """
    weights = {at: quantized.weights[node.inputs[at]] for at in OPERATORS[node.op].dynamic_weights}
    for at in weights:
        draft.constants.pop(node.inputs[at], None)
    if node.op == "Gemm":
        _write_gemm(draft, node, inputs, weights[1])
    elif node.op == "LSTM":
        _write_lstm(draft, node, inputs, weights)
    elif weights:
        _write_stored_int8(draft, node, inputs, weights)
    else:
        raise UnsupportedInputError(f"layer '{node.name}' ({node.op}) has no dynamic form")


def _write_gemm(
    draft: OnnxDraft, node: Node, inputs: tuple[str, ...], weight: QuantizedWeight
) -> None:
    source, output, name = inputs[0], node.outputs[0], node.inputs[1]
    integers, scale, zero_point = (f"{source}/dynamic {kind}" for kind in ("int8", "scale", "zero"))
    draft.append_shared("DynamicQuantizeLinear", (source,), (integers, scale, zero_point))
    values = draft.constant(f"{name}/int8", np.ascontiguousarray(weight.values.T))
    zeros = draft.constant(f"{name}/zero_point", np.zeros((), np.int8))
    steps = draft.constant(f"{name}/scale", weight.scale)
    product = draft.append(
        "MatMulInteger", (integers, values, zero_point, zeros), f"{output}/product"
    )
    wide = draft.append("Cast", (product,), f"{output}/wide", {"to": 1})
    step = draft.append("Mul", (scale, steps), f"{output}/step")
    has_bias = len(inputs) > len(("X", "W")) and inputs[2]
    scaled = draft.append("Mul", (wide, step), f"{output}/scaled" if has_bias else output)
    if has_bias:
        draft.append("Add", (scaled, inputs[2]), output)


def _write_lstm(
    draft: OnnxDraft,
    node: Node,
    inputs: tuple[str, ...],
    weights: Mapping[int, QuantizedWeight],
) -> None:
    """The contrib kernel wants weights [directions, inputs, 4 * hidden], scales a column."""
    padded = [*inputs, *[""] * (_LSTM_INPUTS - len(inputs))]
    extra: list[str] = []
    for at, weight in weights.items():
        name = node.inputs[at]
        directions, rows, _ = weight.values.shape
        turned = np.ascontiguousarray(weight.values.transpose(0, 2, 1))
        padded[at] = draft.constant(f"{name}/int8", turned)
        scale = weight.scale.reshape(directions, rows)
        zeros = np.zeros((directions, rows), np.int8)
        extra += [
            draft.constant(f"{name}/scale", scale),
            draft.constant(f"{name}/zero_point", zeros),
        ]
    lstm = Node(f"{_CONTRIB}.DynamicQuantizeLSTM", (), node.outputs, node.attributes, node.name)
    draft.add_contrib(lstm, (*padded, *extra))


def _write_stored_int8(
    draft: OnnxDraft,
    node: Node,
    inputs: tuple[str, ...],
    weights: Mapping[int, QuantizedWeight],
) -> None:
    found = list(inputs)
    for at, weight in weights.items():
        name = node.inputs[at]
        shape = weight.values.shape
        rows = QuantizedWeight(weight.values.reshape(-1, shape[-1]), weight.scale)
        flat = draft.dequantize_weight(name, rows, f"{name}/rows")
        target = draft.constant(f"{name}/shape", np.array(shape, np.int64))
        found[at] = draft.append("Reshape", (flat, target), f"{name}/float")
    draft.add(node, tuple(found), node.outputs)
