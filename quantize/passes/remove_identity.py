"""What gives out what it takes in is left out.

Identity, Dropout at inference, a Cast to the type that a tensor has, and Expand, Tile, Slice, Pad,
Concat, Sum, Max, Min or Mean that change nothing. Other Expands are Tiles.
"""

from __future__ import annotations

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["REMOVE_IDENTITY"]

_ABSORBED = frozenset({"Identity", "Dropout"})
_OF_ONE = frozenset({"Concat", "Sum", "Max", "Min", "Mean"})
_SAME_SHAPE = frozenset({"Expand", "Tile"})


def _does_nothing(draft: GraphDraft, node: Node) -> bool:
    if node.op in _ABSORBED:
        return True
    if node.op in _OF_ONE:
        return len(node.inputs) == 1
    same_shape = draft.shape(node.inputs[0]) == draft.shape(node.outputs[0])
    if node.op == "Cast":
        return draft.dtype(node.inputs[0]) == draft.dtype(node.outputs[0])
    if node.op == "Slice" and same_shape:
        steps = draft.constants.get(node.inputs[4]) if node.inputs[4:] else None
        return not node.inputs[4:] or (steps is not None and bool((steps == 1).all()))
    if node.op == "Pad" and node.inputs[1] in draft.constants:
        return not draft.constants[node.inputs[1]].any()
    return node.op in _SAME_SHAPE and same_shape


def _write_expand(draft: GraphDraft, node: Node) -> None:
    made = Replacement(draft, node)
    after = draft.shape(node.outputs[0])
    before = draft.shape(node.inputs[0])
    aligned = (1,) * (len(after) - len(before)) + before
    source = made.reshape(node.inputs[0], aligned)
    repeats = [size // found for size, found in zip(after, aligned, strict=True)]
    made.finish("Tile", source, made.constant(repeats, np.int64, "repeats"))


def _identity(node: Node) -> Node:
    """What joins an input of the graph to an output of it."""
    return Node("Identity", node.inputs[:1], node.outputs[:1], {}, node.name)


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for original in graph.nodes:
        node = draft.producer(next(filter(None, original.outputs)))
        if node is None or node.name != original.name:
            continue
        if not node.inputs or not node.inputs[0] or not node.outputs[0]:
            continue
        if _does_nothing(draft, node):
            mask_is_read = any(draft.consumers(name) for name in node.outputs[1:] if name)
            if not mask_is_read and not draft.bypass(node):
                draft.replace(node, _identity(node))
        elif node.op == "Expand":
            _write_expand(draft, node)
    return draft.finish()


REMOVE_IDENTITY = GraphPass(
    "remove identity", _rewrite, {"Dropout": "", "Expand": "Reshape Tile", "Identity": ""}
)
