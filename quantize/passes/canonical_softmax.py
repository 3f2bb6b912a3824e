"""Softmax, LogSoftmax and Hardmax over one axis become those over the last axis.

Before opset 13 they took all axes from `axis` on as one (`is_flattened`). Hardmax, which is one
at the first largest value, becomes ArgMax and a comparison.
"""

from __future__ import annotations

from math import prod

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_SOFTMAX"]

_OPS = frozenset({"Softmax", "LogSoftmax", "Hardmax"})
_LAST = {"axis": -1}


def _compute(draft: GraphDraft, made: Replacement, op: str, source: str) -> str:
    """`op` over the last axis of `source`."""
    shape = draft.shape(source)
    if op != "Hardmax":
        return made.add(op, source, attributes=_LAST)
    largest = made.add(
        "ArgMax",
        source,
        shape=(*shape[:-1], 1),
        dtype="int64",
        attributes={"axis": len(shape) - 1, "keepdims": 1},
    )
    is_largest = made.add("Equal", largest, made.constant(range(shape[-1]), np.int64))
    return made.add("Where", is_largest, made.constant(1.0), made.constant(0.0), dtype="float32")


def _write(draft: GraphDraft, node: Node) -> None:
    source = node.inputs[0]
    shape = draft.shape(source)
    rank = len(shape)
    axis = int(node.attributes.get("axis", -1)) % rank
    is_flattened = bool(node.attributes.get("is_flattened", 0))
    made = Replacement(draft, node)
    if axis == rank - 1:
        if node.op == "Hardmax":
            made.finish("Identity", _compute(draft, made, node.op, source))
        else:
            made.finish(node.op, source, attributes=_LAST)
    elif is_flattened:
        rows = made.reshape(source, (prod(shape[:axis]), prod(shape[axis:])))
        made.finish_reshape(_compute(draft, made, node.op, rows))
    else:
        order = (*(each for each in range(rank) if each != axis), axis)
        turned = _compute(draft, made, node.op, made.transpose(source, order))
        back = tuple(order.index(each) for each in range(rank))
        made.finish("Transpose", turned, attributes={"perm": back})


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op in _OPS:
            _write(draft, node)
    return draft.finish()


CANONICAL_SOFTMAX = GraphPass(
    "canonical softmax",
    _rewrite,
    {
        "Hardmax": "ArgMax Equal Where",
    },
)
