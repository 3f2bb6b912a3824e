"""Which activations are computed inside the node before them."""

from __future__ import annotations

from collections.abc import Mapping

from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import Precision

__all__ = ["fused_activations"]

_HOSTS = frozenset({"Conv", "Gemm", "Add"})
_ACTIVATIONS = frozenset({"Relu", "Clip"})


def fused_activations(
    graph: FloatGraph, precisions: Mapping[str, Precision] | None = None
) -> Mapping[str, Node]:
    """Find the activations that both writers fuse into their producer.

    Args:
        graph: the float graph.
        precisions: by node name; INT8 for those not named. An integer node fuses with an integer
            node only.

    Returns:
        The activation node by the name of its producer's output. That tensor has no other
        reader, is no graph output, and is never materialised in int8.
    """
    chosen = precisions or {}
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    fused: dict[str, Node] = {}
    for node in graph.nodes:
        if node.op not in _HOSTS or node.outputs[0] in graph.outputs:
            continue
        after = readers.get(node.outputs[0], [])
        if len(after) != 1 or after[0].op not in _ACTIVATIONS:
            continue
        if _is_integer(node, chosen) == _is_integer(after[0], chosen):
            fused[node.outputs[0]] = after[0]
    return fused


def _is_integer(node: Node, precisions: Mapping[str, Precision]) -> bool:
    return precisions.get(node.name, Precision.INT8) is Precision.INT8
