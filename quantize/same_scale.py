"""Which activations are quantized, and which of them must share one scale and zero point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision

__all__ = ["materialised_tensors", "same_scale_groups"]

Precisions = Mapping[str, Precision]


def materialised_tensors(
    graph: FloatGraph, precisions: Precisions | None = None
) -> tuple[str, ...]:
    """The activations that exist in 8 bit: what INT8 nodes read and write, but for fusions.

    Args:
        graph: the float graph.
        precisions: by node name; INT8 for those not named.

    Returns:
        Names in graph order, inputs first.
    """
    chosen = precisions or {}
    inside = fused_activations(graph, chosen)
    touched = {
        name
        for node in _integer_nodes(graph, chosen)
        for name in (*OPERATORS[node.op].data_inputs(node), *node.outputs)
        if name and graph.is_float(name)
    }
    written = [node.outputs[0] for node in graph.nodes]
    return tuple(
        name for name in (*graph.inputs, *written) if name in touched and name not in inside
    )


def same_scale_groups(
    graph: FloatGraph, precisions: Precisions | None = None
) -> Mapping[str, tuple[str, ...]]:
    """Partition the materialised activations by the operators that move integers unchanged.

    Args:
        graph: the float graph.
        precisions: by node name; INT8 for those not named.

    Returns:
        For each materialised activation, the members of its group in graph order; a tensor that
        is bound to no other is a group of its own.
    """
    chosen = precisions or {}
    parent = {name: name for name in materialised_tensors(graph, chosen)}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    inside = fused_activations(graph, chosen)
    fused = {id(node) for node in inside.values()}
    for node in _integer_nodes(graph, chosen):
        if id(node) in fused or not OPERATORS[node.op].is_same_scale:
            continue
        for name in OPERATORS[node.op].data_inputs(node):
            if name in parent:
                parent[root(name)] = root(node.outputs[0])
    members: dict[str, list[str]] = {}
    for name in parent:
        members.setdefault(root(name), []).append(name)
    return {name: tuple(members[root(name)]) for name in parent}


def _integer_nodes(graph: FloatGraph, precisions: Precisions) -> Iterator[Node]:
    for node in graph.nodes:
        if precisions.get(node.name, Precision.INT8) is Precision.INT8:
            yield node
