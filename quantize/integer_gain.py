"""Whether int8 makes a recurrent or attention model faster, told from its structure.

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
from typing import TYPE_CHECKING, Literal

from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.precision_plan import is_sequence_model, multiply_adds
from quantize.quantized_graph import Precision, QuantizedGraph

if TYPE_CHECKING:
    from quantize.build_request import KeptFloat

__all__ = ["ENGINES", "EngineName", "engines_of_float", "engines_without_gain"]

EngineName = Literal["onnxruntime", "litert"]
ENGINES: tuple[EngineName, ...] = ("onnxruntime", "litert")

_LEAST_SHARE = 0.5
"""Of the multiplications of a model, in products that gain from integers."""

_LITERT_LEAST_WEIGHTS = 3072
"""Of one matrix product or one step of a recurrent layer (an LSTM of 28 units, a GRU of 32)."""

_ONNXRUNTIME_LEAST_STEP = 16384
"""Recurrent weights of an LSTM: 64 units. GRU and RNN have no integer kernel there."""

_ONNXRUNTIME_LEAST_PRODUCT = 1 << 17
"""Multiplications of a product outside recurrent layers, which is a node of its own."""


def engines_of_float(kept: KeptFloat, quantized: QuantizedGraph) -> tuple[EngineName, ...]:
    """The engines for which a bundle carries the float file too, and runs it.

    Args:
        kept: what was asked for.
        quantized: what both int8 files are written from.
    """
    if kept == "auto":
        return engines_without_gain(quantized)
    return tuple(each for each in ENGINES if kept in {each, "both"})


def engines_without_gain(quantized: QuantizedGraph) -> tuple[EngineName, ...]:
    """The engines on which the int8 form of a model is not expected to be faster than float.

    Args:
        quantized: what both int8 files are written from.

    Returns:
        Engines in the order of `ENGINES`; none for a model without recurrence and attention, and
        none for one that has nothing in int8. The same for the same graph: nothing is timed.
    """
    graph = quantized.graph
    used = {quantized.precision(node) for node in graph.nodes}
    if used == {Precision.FLOAT} or not is_sequence_model(graph):
        return ()
    total = sum(multiply_adds(graph, node) for node in graph.nodes)
    return tuple(
        engine for engine in ENGINES if _gaining_work(quantized, engine) < _LEAST_SHARE * total
    )


def _gaining_work(quantized: QuantizedGraph, engine: EngineName) -> int:
    graph = quantized.graph
    found = 0
    for node in graph.nodes:
        precision = quantized.precision(node)
        is_gaining = precision is Precision.INT8 or (
            precision is Precision.DYNAMIC and _pays(graph, node, engine)
        )
        found += multiply_adds(graph, node) if is_gaining else 0
    return found


def _pays(graph: FloatGraph, node: Node, engine: EngineName) -> bool:
    """Whether a DYNAMIC node wins more by its integers than quantizing its input costs."""
    is_product = node.op == "Gemm"
    *_, recurrence = OPERATORS[node.op].dynamic_weights
    directions = 1 if is_product else graph.shape(node.inputs[recurrence])[0]
    weights = prod(graph.shape(node.inputs[recurrence])) // directions
    if engine == "litert":
        return weights >= _LITERT_LEAST_WEIGHTS
    if is_product:
        return multiply_adds(graph, node) >= _ONNXRUNTIME_LEAST_PRODUCT
    return node.op == "LSTM" and weights >= _ONNXRUNTIME_LEAST_STEP
