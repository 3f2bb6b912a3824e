"""Reductions over both spatial axes become pooling, which has integer kernels.

ReduceMean over them, and AveragePool of everything, become GlobalAveragePool; GlobalMaxPool, and
ReduceMax over them, become MaxPool of everything.
"""

from __future__ import annotations

from dataclasses import replace

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["CANONICAL_GLOBAL_POOL"]

_PICTURE_RANK = 4


def _is_spatial(draft: GraphDraft, node: Node) -> bool:
    rank = len(draft.shape(node.inputs[0]))
    axes = sorted(int(axis) % rank for axis in node.attributes.get("axes", ()))
    return rank == _PICTURE_RANK and axes == [2, 3] and bool(node.attributes["keepdims"])


def _is_full_window(draft: GraphDraft, node: Node) -> bool:
    shape = draft.shape(node.inputs[0])
    is_whole = tuple(node.attributes.get("kernel_shape", ())) == shape[2:]
    return is_whole and not any(node.attributes.get("pads", ()))


def _is_whole_maximum(draft: GraphDraft, node: Node) -> bool:
    if node.op == "GlobalMaxPool":
        return len(draft.shape(node.inputs[0])) == _PICTURE_RANK
    return node.op == "ReduceMax" and _is_spatial(draft, node)


def _whole_maximum(draft: GraphDraft, node: Node) -> Node:
    size = draft.shape(node.inputs[0])[2:]
    attributes = {
        "kernel_shape": size,
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": (0, 0, 0, 0),
    }
    return replace(node, op="MaxPool", attributes=attributes)


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op == "ReduceMean" and _is_spatial(draft, node):
            draft.replace(node, replace(node, op="GlobalAveragePool", attributes={}))
        elif _is_whole_maximum(draft, node):
            draft.replace(node, _whole_maximum(draft, node))
        elif node.op == "AveragePool" and _is_full_window(draft, node):
            draft.replace(node, replace(node, op="GlobalAveragePool", attributes={}))
    return draft.finish()


CANONICAL_GLOBAL_POOL = GraphPass(
    "canonical global pool",
    _rewrite,
    {
        "GlobalMaxPool": "MaxPool",
        "ReduceMax": "MaxPool",
        "ReduceMean": "GlobalAveragePool",
    },
)
