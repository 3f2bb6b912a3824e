"""Whether int8 makes a recurrent or attention model faster, told from its structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantize.faster_products import ENGINES, EngineName, is_faster
from quantize.graph import FloatGraph, Node
from quantize.layer_work import multiply_adds
from quantize.operators import OPERATORS
from quantize.precision_plan import is_sequence_model
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.raw_inputs import integer_weights

if TYPE_CHECKING:
    from quantize.build_request import KeptFloat

__all__ = ["engines_of_float", "engines_without_gain"]

_LEAST_SHARE = 0.5
"""Of the multiplications of a model, in products that gain from integers."""


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
    """Whether integers make a DYNAMIC node faster.

    onnxruntime has no kernel for an LSTM of which only the state's weights are integers.
    """
    if (
        engine == "onnxruntime"
        and integer_weights(graph, node) != OPERATORS[node.op].dynamic_weights
    ):
        return False
    return is_faster(graph, node, engine)
