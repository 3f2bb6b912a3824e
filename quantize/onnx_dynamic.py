"""DYNAMIC layers in ONNX: int8 weights, activations quantized by what each run meets.

- Gemm: DynamicQuantizeLinear, MatMulInteger and a float scale (ONNX operator specification, opset
  11), the pattern that onnxruntime fuses into MatMulIntegerToFloat.
- LSTM: onnxruntime's DynamicQuantizeLSTM (contrib operator of com.microsoft).
- What has no integer kernel (GRU, RNN), and what integers would make no faster: int8 weights that
  become float when the model is loaded. Smaller on disk, float in computation and in speed. They
  are a Cast and a Mul, which onnxruntime folds at load; a DequantizeLinear it would not fold but
  run each time (a GRU of 48 units: 0.080 ms instead of 0.059).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.faster_products import is_faster
from quantize.graph import Node
from quantize.onnx_draft import OnnxDraft
from quantize.operators import OPERATORS
from quantize.quantized_graph import QuantizedGraph, QuantizedWeight

__all__ = ["write_dynamic"]

_CONTRIB = "com.microsoft"
_LSTM_INPUTS = 8
_FLOAT32 = 1  # TensorProto.FLOAT


def write_dynamic(
    draft: OnnxDraft, node: Node, inputs: tuple[str, ...], quantized: QuantizedGraph
) -> None:
    """Write one DYNAMIC node.

    Args:
        draft: where to.
        node: a Gemm, LSTM, GRU or RNN.
        inputs: the tensors it reads; weights among them in float, which are not used.
        quantized: holds its integer weights; a recurrent layer may have some in float.

    Raises:
        UnsupportedInputError: another operator.
    """
    possible = OPERATORS[node.op].dynamic_weights
    found = {at: quantized.weights.get(node.inputs[at]) for at in possible}
    weights = {at: weight for at, weight in found.items() if weight is not None}
    if not weights:
        raise UnsupportedInputError(f"layer '{node.name}' ({node.op}) has no dynamic form")
    for at in weights:
        draft.constants.pop(node.inputs[at], None)
    is_whole = len(weights) == len(possible)
    if not is_whole or not is_faster(quantized.graph, node, "onnxruntime"):
        _write_stored_int8(draft, node, inputs, weights)
    elif node.op == "Gemm":
        _write_gemm(draft, node, inputs, weights[1])
    else:
        _write_lstm(draft, node, inputs, weights)


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
    wide = draft.append("Cast", (product,), f"{output}/wide", {"to": _FLOAT32})
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
        values = draft.constant(f"{name}/int8", weight.values)
        column = weight.scale.reshape(*weight.values.shape[:-1], 1)
        steps = draft.constant(f"{name}/scale", column)
        wide = draft.append("Cast", (values,), f"{name}/wide", {"to": _FLOAT32})
        found[at] = draft.append("Mul", (wide, steps), f"{name}/float")
    draft.add(node, tuple(found), node.outputs)
