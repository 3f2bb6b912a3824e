"""Which DYNAMIC layers integers make faster, told from their sizes.

Where activations are quantized anew at each run, every matrix product first looks for their range
and scales what comes out. That costs time which a small product does not win back, and on which
engine it is too small is a fact of the engine's kernels. The bounds below are where float and int8
took the same time in LSTMs and GRUs of 8 to 256 units and attention blocks 8 to 128 wide, each of
8 to 64 steps (onnxruntime 1.32 and LiteRT 2.3, x86-64 with VNNI, one thread): LSTMs of 32 units
0.8 and of 64 units 1.0 to 1.3 times the float file's speed in onnxruntime, 1.1 to 1.2 and 1.5 to
1.7 times in LiteRT. They are no measurement of the machine at hand, so that the same model always
gives the same bundle.
"""

from __future__ import annotations

from math import prod
from typing import Literal

from quantize.graph import FloatGraph, Node
from quantize.layer_work import multiply_adds
from quantize.operators import OPERATORS

__all__ = ["ENGINES", "EngineName", "is_faster"]

EngineName = Literal["onnxruntime", "litert"]
ENGINES: tuple[EngineName, ...] = ("onnxruntime", "litert")

_LITERT_LEAST_WEIGHTS = 3072
"""Of one matrix product or one step of a recurrent layer (an LSTM of 28 units, a GRU of 32)."""

_ONNXRUNTIME_LEAST_STEP = 16384
"""Recurrent weights of an LSTM: 64 units. GRU and RNN have no integer kernel there."""

_ONNXRUNTIME_LEAST_PRODUCT = 1 << 17
"""Multiplications of a product outside recurrent layers, which is a node of its own."""


def is_faster(graph: FloatGraph, node: Node, engine: EngineName) -> bool:
    """Whether a layer with `dynamic_weights` wins more by integers than quantizing its input costs.

    Args:
        graph: that holds the layer.
        node: a Gemm, LSTM, GRU or RNN, all of its weights in integers.
        engine: what runs it.
    """
    is_product = node.op == "Gemm"
    *_, recurrence = OPERATORS[node.op].dynamic_weights
    directions = 1 if is_product else graph.shape(node.inputs[recurrence])[0]
    weights = prod(graph.shape(node.inputs[recurrence])) // directions
    if engine == "litert":
        return weights >= _LITERT_LEAST_WEIGHTS
    if is_product:
        return multiply_adds(graph, node) >= _ONNXRUNTIME_LEAST_PRODUCT
    return node.op == "LSTM" and weights >= _ONNXRUNTIME_LEAST_STEP
