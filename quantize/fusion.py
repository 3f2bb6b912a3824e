"""Which activations are computed inside the node before them."""

from __future__ import annotations

from collections.abc import Mapping

from quantize.graph import FloatGraph, Node

__all__ = ["fused_activations"]

_HOSTS = frozenset({"Conv", "Gemm", "Add"})
_ACTIVATIONS = frozenset({"Relu", "Clip"})


def fused_activations(graph: FloatGraph) -> Mapping[str, Node]:
    """Find the activations that both writers fuse into their producer.

    Returns:
        The activation node by the name of its producer's output. That tensor has no other
        reader, is no graph output, and is never materialised in int8.
    """
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    fused: dict[str, Node] = {}
    for node in graph.nodes:
        if node.op not in _HOSTS or node.outputs[0] in graph.outputs:
            continue
        after = readers.get(node.outputs[0], [])
        if len(after) == 1 and after[0].op in _ACTIVATIONS:
            fused[node.outputs[0]] = after[0]
    return fused
