"""Attention of opset 23 becomes its products and a Softmax (Vaswani et al. 2017).

softmax(q k' * scale + mask) v, by heads. A bool mask and the causal one take scores out by a number
so low that its exponential is 0.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["DECOMPOSE_ATTENTION"]

_BY_HEADS = 4
_MASK = 3
_LOWEST = -1e30
_HEADS_SECOND = (0, 2, 1, 3)


def _is_known(draft: GraphDraft, node: Node) -> bool:
    """Whether there is no cache, no cap, no second output, and as many heads for all three."""
    if any(node.inputs[_MASK + 1 :]) or any(node.outputs[1:]):
        return False
    if node.attributes.get("softcap", 0.0):
        return False
    shapes = [draft.shape(name) for name in node.inputs[:3]]
    if len(shapes[0]) == _BY_HEADS:
        return len({shape[1] for shape in shapes}) == 1
    heads = [node.attributes.get(f"{each}_num_heads", 0) for each in ("q", "kv")]
    return heads[0] == heads[1] and bool(heads[0])


def _by_heads(draft: GraphDraft, made: Replacement, node: Node, name: str) -> str:
    """(batch, heads, time, depth) of a query, key or value."""
    shape = draft.shape(name)
    if len(shape) == _BY_HEADS:
        return name
    heads = int(node.attributes["q_num_heads"])
    apart = made.reshape(name, (*shape[:2], heads, shape[2] // heads))
    return made.transpose(apart, _HEADS_SECOND)


def _masked(draft: GraphDraft, made: Replacement, node: Node, scores: str) -> str:
    lowest = made.constant(_LOWEST)
    mask = node.inputs[_MASK] if node.inputs[_MASK:] else ""
    if mask and draft.dtype(mask) == "bool":
        scores = made.add("Where", mask, scores, lowest, dtype="float32")
    elif mask:
        scores = made.add("Add", scores, mask)
    if node.attributes.get("is_causal", 0):
        seen = np.tril(np.ones(draft.shape(scores)[-2:], np.bool_))
        scores = made.add("Where", made.constant(seen, np.bool_), scores, lowest, dtype="float32")
    return scores


def _write(draft: GraphDraft, node: Node) -> None:
    made = Replacement(draft, node)
    query, key, value = (_by_heads(draft, made, node, name) for name in node.inputs[:3])
    batch, heads, steps, depth = draft.shape(query)
    length = draft.shape(key)[2]
    scale = float(node.attributes.get("scale", 1.0 / sqrt(depth)))
    scaled = made.add("Mul", query, made.constant(scale))
    turned = made.transpose(key, (0, 1, 3, 2))
    scores = made.add("MatMul", scaled, turned, shape=(batch, heads, steps, length))
    weights = made.add("Softmax", _masked(draft, made, node, scores), attributes={"axis": -1})
    width = draft.shape(value)[3]
    mixed = made.add("MatMul", weights, value, shape=(batch, heads, steps, width))
    if len(draft.shape(node.outputs[0])) == _BY_HEADS:
        made.finish("Identity", mixed)
    else:
        made.finish_reshape(made.transpose(mixed, _HEADS_SECOND))


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op == "Attention" and _is_known(draft, node):
            _write(draft, node)
    return draft.finish()


DECOMPOSE_ATTENTION = GraphPass(
    "decompose attention", _rewrite, {"Attention": "Mul Transpose MatMul Add Where Softmax"}
)
