"""A Gemm whose columns are cut apart becomes one Gemm a part.

Attention computes query, key and value in one product and then cuts it along an axis that stands
for groups of columns. Products of their own need no Slice, and a factor on one of them can go into
its weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["SPLIT_GEMM"]


@dataclass(frozen=True, slots=True)
class _Part:
    """A Slice and the columns that it stands for; its shape before the Transpose, if any."""

    node: Node
    first: int
    last: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Cut:
    """How the columns of a product are cut apart.

    Attributes:
        moves: the Reshape and the Transpose between the product and the Slices; often both.
        permutation: of the Transpose.
        parts: one a Slice.
    """

    moves: tuple[Node, ...]
    permutation: tuple[int, ...] | None
    parts: tuple[_Part, ...]


def _next_move(draft: GraphDraft, name: str, op: str) -> Node | None:
    """The only reader of a tensor, where it is such a node."""
    if not draft.is_private(name):
        return None
    node = draft.consumers(name)[0]
    return node if node.op == op else None


def _find_cut(draft: GraphDraft, gemm: Node) -> _Cut | None:
    moves: list[Node] = []
    name = gemm.outputs[0]
    reshape = _next_move(draft, name, "Reshape")
    while reshape is not None:
        moves.append(reshape)
        name = reshape.outputs[0]
        reshape = _next_move(draft, name, "Reshape")
    shape = draft.shape(name)
    turn = _next_move(draft, name, "Transpose")
    order = tuple(range(len(shape)))
    if turn is not None:
        moves.append(turn)
        name = turn.outputs[0]
        order = tuple(int(axis) for axis in turn.attributes["perm"])
    readers = draft.consumers(name)
    if name in draft.outputs or len(readers) < len(("one", "other")):
        return None
    rows = draft.shape(gemm.outputs[0])[0]
    found = [_part(draft, node, shape, order, rows) for node in readers]
    parts = tuple(part for part in found if part is not None)
    is_whole = len(parts) == len(found) == len({part.first for part in parts})
    return _Cut(tuple(moves), None if turn is None else order, parts) if is_whole else None


def _part(
    draft: GraphDraft, node: Node, shape: tuple[int, ...], order: tuple[int, ...], rows: int
) -> _Part | None:
    """The columns that a Slice takes; None where it takes anything but whole columns.

    Args:
        draft: the graph.
        node: a reader.
        shape: of the product before it is transposed.
        order: how it is transposed.
        rows: of the product.
    """
    if node.op != "Slice":
        return None
    starts, ends, _, steps = (draft.constants[each] for each in node.inputs[1:])
    bounds = {
        axis: (int(starts[at]), int(ends[at]), int(steps[at])) for at, axis in enumerate(order)
    }
    cut = [axis for axis, size in enumerate(shape) if bounds[axis] != (0, size, 1)]
    if len(cut) != 1 or bounds[cut[0]][2] != 1 or prod(shape[: cut[0]]) != rows:
        return None
    first, last, _ = bounds[cut[0]]
    unit = prod(shape[cut[0] + 1 :])
    small = (*shape[: cut[0]], last - first, *shape[cut[0] + 1 :])
    return _Part(node, first * unit, last * unit, small)


def _part_nodes(draft: GraphDraft, gemm: Node, cut: _Cut, part: _Part) -> list[Node]:
    columns = slice(part.first, part.last)
    label, target = part.node.name, part.node.outputs[0]
    names = [
        draft.add_constant(f"{label}/part", np.ascontiguousarray(draft.constants[name][columns]))
        for name in gemm.inputs[1:]
        if name
    ]
    rows = draft.shape(gemm.outputs[0])[0]
    product = draft.add_tensor(f"{label}/product", (rows, part.last - part.first))
    shape = draft.add_constant(f"{label}/shape", np.array(part.shape, np.int64))
    inputs = (gemm.inputs[0], *names)
    layer = replace(gemm, inputs=inputs, outputs=(product,), name=f"{gemm.name}/{part.first}")
    if cut.permutation is None:
        return [layer, Node("Reshape", (product, shape), (target,), {}, label)]
    wide = draft.add_tensor(f"{label}/wide", part.shape)
    return [
        layer,
        Node("Reshape", (product, shape), (wide,), {}, f"{label}/reshape"),
        Node("Transpose", (wide,), (target,), {"perm": cut.permutation}, label),
    ]


def _is_plain(draft: GraphDraft, node: Node) -> bool:
    is_constant = all(not name or name in draft.constants for name in node.inputs[1:])
    return node.op == "Gemm" and is_constant and bool(node.attributes.get("transB", 0))


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for gemm in graph.nodes:
        cut = _find_cut(draft, gemm) if _is_plain(draft, gemm) else None
        if cut is None:
            continue
        nodes = [node for part in cut.parts for node in _part_nodes(draft, gemm, cut, part)]
        draft.remove([*cut.moves, *(part.node for part in cut.parts)])
        draft.replace(gemm, *nodes)
    return draft.finish()


SPLIT_GEMM = GraphPass("split gemm", _rewrite)
