"""Reduce operators keep the axes that they reduce; ArgMax and ArgMin do not.

What the source wanted otherwise is a Reshape after them. TopK gives the largest of the last axis:
the smallest are the largest of the negated.
"""

from __future__ import annotations

from dataclasses import replace

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.operators.reduction import REDUCTIONS
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_REDUCTIONS"]

_REDUCTIONS = frozenset(each.op for each in REDUCTIONS)
_POSITIONS = frozenset({"ArgMax", "ArgMin"})


def _write_reduction(draft: GraphDraft, node: Node) -> None:
    if node.attributes["keepdims"]:
        return
    axes = node.attributes["axes"]
    before = draft.shape(node.inputs[0])
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(before))
    made = Replacement(draft, node)
    attributes = {**node.attributes, "keepdims": 1}
    made.finish_reshape(made.add(node.op, node.inputs[0], shape=shape, attributes=attributes))


def _write_position(draft: GraphDraft, node: Node) -> None:
    before = draft.shape(node.inputs[0])
    axis = int(node.attributes.get("axis", 0)) % len(before)
    attributes = {**node.attributes, "axis": axis, "keepdims": 0}
    if not node.attributes.get("keepdims", 1):
        draft.replace(node, replace(node, attributes=attributes))
        return
    made = Replacement(draft, node)
    shape = (*before[:axis], *before[axis + 1 :])
    found = made.add(node.op, node.inputs[0], shape=shape, dtype="int64", attributes=attributes)
    made.finish_reshape(found)


def _write_top_k(draft: GraphDraft, node: Node) -> None:
    source = node.inputs[0]
    rank = len(draft.shape(source))
    axis = int(node.attributes.get("axis", -1)) % rank
    is_smallest = not node.attributes.get("largest", 1)
    if axis == rank - 1 and not is_smallest:
        return
    made = Replacement(draft, node)
    order = (*(each for each in range(rank) if each != axis), axis)
    back = tuple(order.index(each) for each in range(rank))
    current = made.transpose(source, order)
    if is_smallest:
        current = made.add("Neg", current)
    after = draft.shape(node.outputs[0])
    shape = tuple(after[each] for each in order)
    attributes = {"axis": -1, "largest": 1, "sorted": node.attributes.get("sorted", 1)}
    values = draft.add_tensor(f"{node.name}/values", shape)
    positions = draft.add_tensor(f"{node.name}/positions", shape, "int64")
    search = Node("TopK", (current, node.inputs[1]), (values, positions), attributes, node.name)
    after_search: list[Node] = []
    if is_smallest:
        negated = draft.add_tensor(f"{node.name}/smallest", shape)
        after_search.append(Node("Neg", (values,), (negated,), {}, f"{node.name}/restore"))
        values = negated
    for at, name in enumerate((values, positions)):
        label = f"{node.name}/back {at}"
        attributes = {"perm": back}
        after_search.append(
            Node("Transpose", (name,), node.outputs[at : at + 1], attributes, label)
        )
    made.insert(search, *after_search)


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op in _REDUCTIONS:
            _write_reduction(draft, node)
        elif node.op in _POSITIONS:
            _write_position(draft, node)
        elif node.op == "TopK":
            _write_top_k(draft, node)
    return draft.finish()


CANONICAL_REDUCTIONS = GraphPass("canonical reductions", _rewrite, {"TopK": "Neg Transpose"})
