"""Which nodes run on integers, which on weights of 8 bit with float activations, which in float.

Convolutions bear activations of 8 bit with one scale for all inputs; attention and recurrent
layers do not (measured on a small vision transformer: 19 dB with static ranges, 42 dB with
activations quantized anew at each run; on a masked series transformer 1.4 dB and 40 dB). So a
model without either is INT8 wherever an integer kernel exists, and in a model with them the
matrix products are DYNAMIC and all else is float32, but for a convolutional part that is worth it,
and for what is little work and better in float: a product with the model's own inputs (see
`raw_inputs`), or one too small to gain.
"""

from __future__ import annotations

from collections.abc import Mapping

from quantize.faster_products import ENGINES, is_faster
from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.layer_work import RECURRENT, multiply_adds
from quantize.operators import OPERATORS
from quantize.operators.base import UNIT_INTERVAL
from quantize.operators.clamp import clamp_bounds
from quantize.quantized_graph import ActivationParams, Precision
from quantize.quantizer import prescribed_params
from quantize.raw_inputs import meets_input

__all__ = ["is_sequence_model", "plan_precisions"]

_CONVOLUTIONAL_SHARE = 0.25
"""In a model with attention, convolutions below this share of the work stay in float: they are
the patch embedding, whose 8-bit outputs would cost more decibels than it costs time."""

_RAW_SHARE = 0.05
"""Of the work of a model, at most, in a product with its own inputs that stays in float."""

_SMALL_SHARE = 0.01
"""The same of a product too small for integers to gain: a classifier's head, as a rule. Each costs
the answer decibels (the head of a small vision transformer 8 of 58) and saves nothing."""


def plan_precisions(graph: FloatGraph) -> dict[str, Precision]:
    """Choose how each node computes.

    Args:
        graph: canonical, supported operators only.

    Returns:
        By node name, all nodes. The same for the same graph: nothing is timed.
    """
    has_sequences = is_sequence_model(graph)
    work = {node.name: multiply_adds(graph, node) for node in graph.nodes}
    total = sum(work.values())
    by_convolutions = sum(work[node.name] for node in graph.nodes if node.op == "Conv")
    convolutions_pay = not has_sequences or by_convolutions > _CONVOLUTIONAL_SHARE * total
    plan: dict[str, Precision] = {}
    for node in graph.nodes:
        if has_sequences and OPERATORS[node.op].dynamic_weights:
            share = work[node.name] / max(1, total)
            is_float = node.op == "Gemm" and _is_better_in_float(graph, node, share)
            plan[node.name] = Precision.FLOAT if is_float else Precision.DYNAMIC
        elif _can_be_integer(graph, node) and convolutions_pay:
            plan[node.name] = Precision.INT8
        else:
            plan[node.name] = Precision.FLOAT
    _free_unlike_joins(graph, plan)
    _free_islands(graph, plan)
    return plan


def is_sequence_model(graph: FloatGraph) -> bool:
    """Whether a graph has recurrent layers, or attention (a product of two activations)."""
    return any(node.op in RECURRENT or _is_attention(graph, node) for node in graph.nodes)


def _is_better_in_float(graph: FloatGraph, node: Node, share: float) -> bool:
    if share <= _RAW_SHARE and meets_input(graph, node.inputs[0]):
        return True
    return share <= _SMALL_SHARE and not any(is_faster(graph, node, each) for each in ENGINES)


def _is_attention(graph: FloatGraph, node: Node) -> bool:
    return node.op == "MatMul" and not any(name in graph.constants for name in node.inputs)


def _can_be_integer(graph: FloatGraph, node: Node) -> bool:
    operator = OPERATORS[node.op]
    tensors = (*operator.data_inputs(node), *filter(None, node.outputs))
    return (
        Precision.INT8 in operator.precisions
        and operator.int8_fault(graph, node) is None
        and all(graph.is_float(name) for name in tensors if node.op != "DequantizeLinear")
    )


def _free_unlike_joins(graph: FloatGraph, plan: dict[str, Precision]) -> None:
    """To float: each Concat of values whose scale a node prescribes with others it cannot hold.

    The probabilities and the boxes of a detector are joined so. In one scale the probabilities
    would be a step or two; in float each keeps its own, and what reads the whole has another.
    """
    fused = {id(node) for node in fused_activations(graph, plan).values()}
    sources: dict[str, frozenset[ActivationParams | None]] = {}
    for node in graph.nodes:
        if plan[node.name] is not Precision.INT8:
            continue
        operator = OPERATORS[node.op]
        if id(node) in fused or not operator.is_same_scale:
            sources[node.outputs[0]] = frozenset({_bound_to(graph, node)})
            continue
        read = [sources.get(name, _UNBOUND) for name in operator.data_inputs(node)]
        joined = frozenset[ActivationParams | None]().union(*read)
        if joined > _UNBOUND or len(joined - _UNBOUND) > 1:
            plan[node.name] = Precision.FLOAT
        else:
            sources[node.outputs[0]] = joined


def _bound_to(graph: FloatGraph, node: Node) -> ActivationParams | None:
    """The parameters that a node's output has whatever is seen, or that hold all of it."""
    if node.op == "Clip":
        low, high = clamp_bounds(graph, node)
        return UNIT_INTERVAL if low >= 0.0 and high <= 1.0 else None
    return prescribed_params(graph, node)


_UNBOUND: frozenset[ActivationParams | None] = frozenset({None})


def _free_islands(graph: FloatGraph, plan: dict[str, Precision]) -> None:
    """Back to float: integer nodes without weights that no integer node stands beside.

    They would only add a quantization before and one after. What follows the last integer layer
    stays integer, what leads to the first does not: its input would be quantized too early.
    """
    writers = {name: node for node in graph.nodes for name in node.outputs}
    is_settled = False
    while not is_settled:
        is_settled = True
        for node in graph.nodes:
            if plan[node.name] is not Precision.INT8 or OPERATORS[node.op].weight is not None:
                continue
            if not _has_integer_source(graph, node, writers, plan):
                plan[node.name] = Precision.FLOAT
                is_settled = False


def _has_integer_source(
    graph: FloatGraph,
    node: Node,
    writers: Mapping[str, Node],
    plan: Mapping[str, Precision],
) -> bool:
    """Whether every activation that a node reads is there in 8 bit already."""
    for name in OPERATORS[node.op].data_inputs(node):
        if name in graph.constants:
            continue
        if name in writers:
            if plan[writers[name].name] is not Precision.INT8:
                return False
        elif graph.is_float(name) and not _feeds_weights(graph, node, plan):
            return False
    return True


def _feeds_weights(graph: FloatGraph, node: Node, plan: Mapping[str, Precision]) -> bool:
    """Whether a node at the graph's input leads, through integer nodes only, to an INT8 layer."""
    pending, seen = [node], set[str]()
    while pending:
        current = pending.pop()
        if current.name in seen or plan[current.name] is not Precision.INT8:
            continue
        seen.add(current.name)
        if OPERATORS[current.op].weight is not None:
            return True
        pending += [reader for name in current.outputs for reader in graph.consumers(name)]
    return False
