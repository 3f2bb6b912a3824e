"""Transposes are seen without their axes of size 1, so that more of them meet.

Between two Transposes of attention stand Reshapes that only add or drop axes of size 1. Written
as Reshape, Transpose of what is left, Reshape, such Transposes meet and become one, and their
Reshapes join others. Where that saves nothing the graph stays as it was; three nodes that are one
Transpose after all become one again.
"""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.moves import Move, move_of
from quantize.passes.replacement import Replacement
from quantize.passes.sink_moves import cost_of_moves, sink_all

__all__ = ["SQUEEZE_TRANSPOSES"]

Shape = tuple[int, ...]


def _squeezed(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _squeeze(draft: GraphDraft, node: Node, move: Move) -> None:
    order = move.permutation or ()
    wide = [axis for axis in order if move.before[axis] != 1]
    inner = tuple(sorted(wide).index(axis) for axis in wide)
    made = Replacement(draft, node)
    small = made.reshape(node.inputs[0], _squeezed(move.before))
    made.finish_reshape(made.transpose(small, inner))


def _adds_units_only(move: Move | None) -> bool:
    return (
        move is not None
        and move.permutation is None
        and _squeezed(move.before) == _squeezed(move.after)
    )


def _joined_order(before: Shape, after: Shape, inner: Shape) -> Shape | None:
    """The one permutation from `before` to `after` that permutes the wide axes by `inner`."""
    wide = [axis for axis, size in enumerate(before) if size != 1]
    units = [axis for axis, size in enumerate(before) if size == 1]
    if len(before) != len(after) or len(wide) != len(inner):
        return None
    order: list[int] = []
    turned = [wide[at] for at in inner]
    for size in after:
        source = units if size == 1 else turned
        if not source:
            return None
        order.append(source.pop(0))
    return tuple(order)


def _join(draft: GraphDraft) -> None:
    """Reshape, Transpose, Reshape -> Transpose, where the Reshapes only drop and add units."""
    for stale in list(draft.nodes):
        node = draft.producer(stale.outputs[0])
        move = move_of(draft, node)
        if node is None or move is None or move.permutation is None:
            continue
        first = draft.producer(node.inputs[0])
        readers = draft.consumers(node.outputs[0])
        if first is None or not draft.is_private(node.inputs[0]):
            continue
        if len(readers) != 1 or node.outputs[0] in draft.outputs:
            continue
        moves = move_of(draft, first), move_of(draft, readers[0])
        if moves[0] is None or moves[1] is None or not all(map(_adds_units_only, moves)):
            continue
        order = _joined_order(moves[0].before, moves[1].after, move.permutation)
        if order is not None:
            whole = Node("Transpose", first.inputs, readers[0].outputs, {"perm": order}, node.name)
            whole = Node(whole.op, first.inputs[:1], whole.outputs, whole.attributes, whole.name)
            draft.remove([first, node])
            draft.replace(readers[0], whole)


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        move = move_of(draft, node)
        if move is not None and move.permutation is not None and 1 in move.before:
            _squeeze(draft, node, move)
    sink_all(draft)
    _join(draft)
    changed = draft.finish()
    return changed if cost_of_moves(changed) < cost_of_moves(graph) else graph


SQUEEZE_TRANSPOSES = GraphPass("squeeze transposes", _rewrite)
