"""LSTM, GRU and RNN, in the form of ONNX: x [time, 1, features], constants W, R and B.

Inputs: x, W, R, B, "", initial_h, initial_c (LSTM only); there is always a B, no sequence_lens
and no peephole, and the two states are "" (zeros) or of rank 3. Outputs: Y, and for an LSTM whose
last cell state is read Y, "", Y_c. Y_h is not an output: it is a part of Y.
"""

from __future__ import annotations

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator
from quantize.quantized_graph import Precision

__all__ = ["GRU", "LSTM", "RNN"]

_USUAL = {
    "LSTM": ("Sigmoid", "Tanh", "Tanh"),
    "GRU": ("Sigmoid", "Tanh"),
    "RNN": ("Tanh",),
}
_LENGTHS, _PEEPHOLE = 4, 7


def _find_fault(graph: FloatGraph, node: Node) -> str | None:
    directions = graph.shape(node.inputs[1])[0]
    stated = tuple(str(each) for each in node.attributes.get("activations", ()))
    wanted = _USUAL[node.op] * directions
    if stated and tuple(each.lower() for each in stated) != tuple(each.lower() for each in wanted):
        return f"activations {', '.join(stated)}; only {', '.join(wanted)} are supported"
    if node.attributes.get("clip"):
        return "the attribute clip is not supported"
    if node.attributes.get("input_forget", 0):
        return "input_forget = 1 is not supported"
    if node.attributes.get("layout", 0):
        return "layout = 1; only time first is supported"
    for at, what in ((_LENGTHS, "sequence_lens"), (_PEEPHOLE, "peephole weights")):
        if len(node.inputs) > at and node.inputs[at]:
            return f"{what} given; not supported"
    for name in filter(None, node.inputs[1:4]):
        if not np.isfinite(graph.constants[name]).all():
            return f"weight or bias '{name}' holds NaN or infinity"
    return None


def _recurrent(op: str) -> Operator:
    return Operator(
        op,
        parameters=frozenset({1, 2, 3}),
        takes_constant=True,
        find_fault=_find_fault,
        precisions=frozenset({Precision.DYNAMIC, Precision.FLOAT}),
        dynamic_weights=(1, 2),
    )


LSTM = _recurrent("LSTM")
GRU = _recurrent("GRU")
RNN = _recurrent("RNN")
