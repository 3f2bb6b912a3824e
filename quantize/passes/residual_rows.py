"""The residual stream of a transformer runs on rows, like the Gemms beside it.

An Add of a reshaped product and a tensor in the other shape keeps the Reshape in every block. With
one Reshape of that tensor to rows the whole stream after it is rows. It stays as it was where that
does not save a Reshape.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.moves import Move, move_of
from quantize.passes.sink_moves import cost_of_moves, sink_all

__all__ = ["RESIDUAL_ROWS"]

_MOST_STREAMS = 16


def _stuck_add(draft: GraphDraft, tried: set[str]) -> tuple[Node, int, Move] | None:
    """The first Add of a Reshape that drops or adds axes of size 1 and something else.

    Returns:
        The Add, the position of the other operand, and the move of the Reshape.
    """
    for node in draft.nodes:
        if node.op != "Add" or node.name in tried:
            continue
        for at, name in enumerate(node.inputs):
            move = move_of(draft, draft.producer(name))
            other = node.inputs[1 - at]
            if move is None or move.permutation is not None or other in draft.constants:
                continue
            if draft.shape(other) != move.after or move_of(draft, draft.producer(other)):
                continue
            if move.before[-1] == move.after[-1]:
                return node, 1 - at, move
    return None


def _to_rows(draft: GraphDraft, node: Node, at: int, move: Move) -> None:
    """Add in the shape before the move, and move after it."""
    name, target = node.inputs[at], node.outputs[0]
    writer = draft.producer(node.inputs[1 - at])
    if writer is None:
        return
    label = f"{node.name}/rows"
    early = draft.add_tensor(label, move.before)
    total = draft.add_tensor(f"{label}/sum", move.before)
    shape = draft.add_constant(f"{label}/shape", np.array(move.before, np.int64))
    draft.replace(
        node,
        Node("Reshape", (name, shape), (early,), {}, label),
        replace(node, inputs=(early, writer.inputs[0]), outputs=(total,)),
        move.node(draft, total, target, f"{label}/back"),
    )


def _rewrite(graph: FloatGraph) -> FloatGraph:
    best = graph
    tried: set[str] = set()
    for _ in range(_MOST_STREAMS):
        draft = GraphDraft(best)
        found = _stuck_add(draft, tried)
        if found is None:
            break
        tried.add(found[0].name)
        _to_rows(draft, *found)
        sink_all(draft)
        changed = draft.finish()
        if cost_of_moves(changed) < cost_of_moves(best):
            best = changed
    return best


RESIDUAL_ROWS = GraphPass("residual rows", _rewrite)
