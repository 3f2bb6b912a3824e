"""ReduceMean over both spatial axes, and AveragePool of everything, become GlobalAveragePool."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["CANONICAL_GLOBAL_POOL"]

_PICTURE_RANK = 4


def _is_spatial_mean(draft: GraphDraft, node: Node) -> bool:
    rank = len(draft.shape(node.inputs[0]))
    axes = sorted(int(axis) % rank for axis in node.attributes.get("axes", ()))
    return rank == _PICTURE_RANK and axes == [2, 3]


def _is_full_window(draft: GraphDraft, node: Node) -> bool:
    shape = draft.shape(node.inputs[0])
    is_whole = tuple(node.attributes.get("kernel_shape", ())) == shape[2:]
    return is_whole and not any(node.attributes.get("pads", ()))


def _mean(draft: GraphDraft, node: Node) -> list[Node]:
    if node.attributes.get("keepdims", 1):
        return [replace(node, op="GlobalAveragePool", attributes={})]
    pooled = draft.add_tensor(f"{node.name}/pooled", (*draft.shape(node.inputs[0])[:2], 1, 1))
    target = np.array(draft.shape(node.outputs[0]), dtype=np.int64)
    shape = draft.add_constant(f"{node.name}/shape", target)
    return [
        Node("GlobalAveragePool", node.inputs, (pooled,), {}, node.name),
        Node("Reshape", (pooled, shape), node.outputs, {}, f"{node.name}/reshape"),
    ]


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op == "ReduceMean" and _is_spatial_mean(draft, node):
            draft.replace(node, *_mean(draft, node))
        elif node.op == "AveragePool" and _is_full_window(draft, node):
            draft.replace(node, replace(node, op="GlobalAveragePool", attributes={}))
    return draft.finish()


CANONICAL_GLOBAL_POOL = GraphPass(
    "canonical global pool", _rewrite, frozenset({"ReduceMean (spatial)"})
)
