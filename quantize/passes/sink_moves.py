"""Reshapes and Transposes go down through operators that they do not disturb, and cancel.

Between two layers of a series, or two layers of a channels-last export, stand a move and its
inverse with elementwise operators between them. A move in front of such an operator is put behind
it, again and again; two moves that meet become one, or none. Where the graph ends up with more
moves than before, it stays as it was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.moves import move_of
from quantize.passes.sink_rules import SINKABLE, early_form

__all__ = ["SINK_MOVES", "cost_of_moves", "sink_all"]

_COSTS = {"Reshape": 1, "Transpose": 3}
_MOVES = frozenset(_COSTS)
_MOST_ROUNDS = 64


def _sink(draft: GraphDraft, node: Node) -> bool:
    early = early_form(draft, node)
    if early is None:
        return False
    target = node.outputs[0]
    name = draft.add_tensor(f"{node.name}/early", early.shape, draft.dtype(target))
    changed = replace(node, inputs=early.inputs, outputs=(name,), attributes=early.attributes)
    draft.replace(
        node, *early.before, changed, early.move.node(draft, name, target, f"{name}/move")
    )
    return True


def _is_worth(draft: GraphDraft, node: Node) -> bool:
    """Whether every move that the node reads may be gone when its other readers have sunk it."""
    for name in node.inputs:
        writer = draft.producer(name)
        if writer is None or writer.op not in _MOVES:
            continue
        if name in draft.outputs:
            return False
        others = [each for each in draft.consumers(name) if each is not node]
        if any(each.op not in _MOVES | SINKABLE for each in others):
            return False
    return True


def _merge(draft: GraphDraft, node: Node) -> bool:
    """A move that reads a move reads what that reads; a move that does nothing goes."""
    move = move_of(draft, node)
    if move is None:
        return False
    if move.before == move.after and move.permutation in {None, tuple(range(len(move.before)))}:
        return draft.bypass(node)
    earlier = draft.producer(node.inputs[0])
    first = move_of(draft, earlier)
    if earlier is None or first is None or earlier.op != node.op:
        return False
    source = earlier.inputs[0]
    if move.permutation is None:
        draft.replace(node, replace(node, inputs=(source, node.inputs[1])))
        return True
    order = tuple((first.permutation or ())[axis] for axis in move.permutation)
    draft.replace(node, replace(node, inputs=(source,), attributes={"perm": order}))
    return True


def _without_unit_transposes(draft: GraphDraft) -> None:
    """A Transpose that moves axes of size 1 only is a Reshape."""
    for node in list(draft.nodes):
        move = move_of(draft, node)
        if move is None or move.permutation is None:
            continue
        wide = [axis for axis in move.permutation if move.before[axis] != 1]
        if wide == sorted(wide):
            target = np.array(move.after, np.int64)
            shape = draft.add_constant(f"{node.name}/shape", target)
            inputs = (node.inputs[0], shape)
            draft.replace(node, replace(node, op="Reshape", inputs=inputs, attributes={}))


def _share(draft: GraphDraft) -> None:
    """The same move of the same tensor is made once."""
    first: dict[tuple[str, str, tuple[int, ...] | None, tuple[int, ...]], str] = {}
    for stale in list(draft.nodes):
        node = draft.producer(stale.outputs[0])
        move = move_of(draft, node)
        if node is None or move is None:
            continue
        key = (node.op, node.inputs[0], move.permutation, move.after)
        known = first.setdefault(key, node.outputs[0])
        if known != node.outputs[0]:
            draft.redirect(node.outputs[0], known)


def _drop_unread(draft: GraphDraft) -> None:
    for node in reversed(list(draft.nodes)):
        is_read = draft.consumers(node.outputs[0]) or node.outputs[0] in draft.outputs
        if node.op in _MOVES and not is_read:
            draft.remove([node])


def cost_of_moves(graph: FloatGraph) -> int:
    """How much moving a graph does: a Transpose copies, a Reshape mostly does not."""
    return sum(_COSTS.get(node.op, 0) for node in graph.nodes)


def _round(draft: GraphDraft) -> bool:
    is_changed = False
    _without_unit_transposes(draft)
    for stale in list(draft.nodes):
        node = draft.producer(stale.outputs[0])
        if node is None or node.name != stale.name:
            continue
        if node.op in _MOVES:
            is_changed |= _merge(draft, node)
        elif _is_worth(draft, node):
            is_changed |= _sink(draft, node)
    _share(draft)
    _drop_unread(draft)
    return is_changed


def sink_all(draft: GraphDraft) -> None:
    """Sink and merge until nothing changes."""
    rounds = 0
    while rounds < _MOST_ROUNDS and _round(draft):
        rounds += 1


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    sink_all(draft)
    changed = draft.finish()
    return changed if cost_of_moves(changed) <= cost_of_moves(graph) else graph


SINK_MOVES = GraphPass("sink moves", _rewrite)
