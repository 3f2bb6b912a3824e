"""Which gates are worth opening for equalization.

An opened gate (`channel_gates`) is one more pass over its tensor, on every engine, which costs more
the larger the tensor is; what it gives does not grow with the size. So the small ones come first
where there is not room for all, and a gate that is computed in float anyway is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import Precision
from quantize.repair.channel_gates import open_gates
from quantize.repair.channel_groups import find_channel_groups

__all__ = ["ALL_GATES", "open_useful_gates"]

ALL_GATES = 1.0


def open_useful_gates(
    graph: FloatGraph,
    *,
    most_share: float = ALL_GATES,
    precisions: Mapping[str, Precision] | None = None,
) -> FloatGraph:
    """Open gates whose input is free to be scaled once they are open, the smallest first.

    Args:
        graph: canonical.
        most_share: of all values that pass a gate, how many may pass an opened one, 0 to 1.
        precisions: by node name; a gate in float is left as it is.

    Returns:
        A graph that computes the same.
    """
    opened = open_gates(graph)
    groups = find_channel_groups(opened)
    chosen = precisions or {}
    useful: list[tuple[int, str]] = []
    gates = _gates(graph, opened)
    for gate, source in gates.items():
        is_integer = chosen.get(gate, Precision.INT8) is Precision.INT8
        if is_integer and groups.is_free[groups.classes[source]].any():
            useful.append((prod(graph.shapes[source]), gate))
    left = set(gates)
    room = most_share * sum(prod(graph.shapes[source]) for source in gates.values())
    for size, gate in sorted(useful, key=lambda each: each[0]):
        room -= size
        if room >= 0:
            left.remove(gate)
    return open_gates(graph, left=left)


def _gates(graph: FloatGraph, opened: FloatGraph) -> dict[str, str]:
    """The tensor that each gate reads, by the gate's name."""
    before = {node.name for node in graph.nodes if node.op in {"Add", "Sigmoid"}}
    return {
        node.name.removesuffix("/input"): node.inputs[0]
        for node in opened.nodes
        if _is_opening(node) and node.name.removesuffix("/input") in before
    }


def _is_opening(node: Node) -> bool:
    return node.op == "Conv" and int(node.attributes.get("group", 1)) > 1
