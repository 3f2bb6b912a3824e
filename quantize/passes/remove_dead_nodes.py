"""Nodes that no graph output depends on are left out."""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["REMOVE_DEAD_NODES"]


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    needed = set(graph.outputs)
    dead: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.isdisjoint(filter(None, node.outputs)):
            dead.append(node)
        else:
            needed.update(node.inputs)
    draft.remove(dead)
    return draft.finish()


REMOVE_DEAD_NODES = GraphPass("remove dead nodes", _rewrite)
