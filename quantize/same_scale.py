"""Which activations must share one scale and zero point."""

from __future__ import annotations

from collections.abc import Mapping

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph
from quantize.operators import OPERATORS

__all__ = ["materialised_tensors", "same_scale_groups"]


def materialised_tensors(graph: FloatGraph) -> tuple[str, ...]:
    """The activations that exist in int8, inputs first: all but those inside a fusion."""
    inside = fused_activations(graph)
    written = [node.outputs[0] for node in graph.nodes if node.outputs[0] not in inside]
    return (*graph.inputs, *written)


def same_scale_groups(graph: FloatGraph) -> Mapping[str, tuple[str, ...]]:
    """Partition the materialised activations by the operators that move integers unchanged.

    Returns:
        For each materialised activation, the members of its group in graph order; a tensor that
        is bound to no other is a group of its own.
    """
    parent = {name: name for name in materialised_tensors(graph)}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    inside = fused_activations(graph)
    fused = {id(node) for node in inside.values()}
    for node in graph.nodes:
        if id(node) in fused or not OPERATORS[node.op].is_same_scale:
            continue
        for name in OPERATORS[node.op].data_inputs(node):
            parent[root(name)] = root(node.outputs[0])
    members: dict[str, list[str]] = {}
    for name in parent:
        members.setdefault(root(name), []).append(name)
    return {name: tuple(members[root(name)]) for name in parent}
