"""A Gemm whose columns are cut apart becomes one Gemm a part.

Attention computes query, key and value in one product and then cuts it along an axis that stands
for groups of columns. Products of their own need no Slice, and a factor on one of them can go into
its weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["SPLIT_GEMM"]

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Part:
    """A Slice, the columns that it stands for, and their shape before the Transpose."""

    node: Node
    first: int
    last: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Path:
    """What stands between a product and the Slices of it.

    Attributes:
        moves: Reshapes, at most one Transpose, Reshapes.
        wide: shape of what is transposed.
        permutation: of the Transpose; plain order where there is none.
        end: the tensor that the Slices read.
    """

    moves: tuple[Node, ...]
    wide: tuple[int, ...]
    permutation: tuple[int, ...]
    end: str

    @property
    def is_turned(self) -> bool:
        return self.permutation != tuple(range(len(self.permutation)))


def _path(draft: GraphDraft, gemm: Node) -> _Path:
    moves: list[Node] = []
    name = gemm.outputs[0]
    wide, order = draft.shape(name), tuple(range(len(draft.shape(name))))
    is_turned = False
    while draft.is_private(name):
        node = draft.consumers(name)[0]
        if node.op == "Transpose" and not is_turned:
            is_turned = True
            order = tuple(int(axis) for axis in node.attributes["perm"])
        elif node.op == "Reshape":
            if not is_turned:
                wide = draft.shape(node.outputs[0])
                order = tuple(range(len(wide)))
        else:
            break
        moves.append(node)
        name = node.outputs[0]
    return _Path(tuple(moves), wide, order, name)


def _parts(draft: GraphDraft, gemm: Node, path: _Path) -> list[_Part]:
    """The readers of a product, where all take whole columns, no two the same."""
    readers = draft.consumers(path.end)
    if path.end in draft.outputs or len(readers) < len(("one", "other")):
        return []
    if any(node.op != "Slice" for node in readers):
        return []
    rows, columns = draft.shape(gemm.outputs[0])
    places = np.arange(rows * columns).reshape(rows, columns)
    end = places.reshape(path.wide).transpose(path.permutation).reshape(draft.shape(path.end))
    found = [_part(draft, node, path, places, end) for node in readers]
    parts = [part for part in found if part is not None]
    return parts if len(parts) == len(found) == len({part.first for part in parts}) else []


def _part(draft: GraphDraft, node: Node, path: _Path, places: Places, end: Places) -> _Part | None:
    """The columns of a Slice; None where it does not take whole columns in their order.

    Args:
        draft: the graph.
        node: the Slice.
        path: to it.
        places: (rows, columns) number of each value of the product.
        end: the same numbers where the Slice reads.
    """
    starts, ends, _, steps = (draft.constants[each].tolist() for each in node.inputs[1:])
    if min(steps) < 1:
        return None
    taken = end[tuple(slice(*each) for each in zip(starts, ends, steps, strict=True))]
    rows, columns = places.shape
    first, last = int(taken.min() % columns), int(taken.max() % columns) + 1
    axis = next((at for at in range(len(path.wide)) if prod(path.wide[: at + 1]) > rows), None)
    if axis is None or prod(path.wide[:axis]) != rows:
        return None
    size, hole = divmod(last - first, prod(path.wide[axis + 1 :]))
    if hole or size * rows * prod(path.wide[axis + 1 :]) != taken.size:
        return None
    shape = (*path.wide[:axis], size, *path.wide[axis + 1 :])
    own = places[:, first:last].reshape(shape).transpose(path.permutation)
    is_same = np.array_equal(own.reshape(taken.shape), taken)
    return _Part(node, first, last, shape) if is_same else None


def _part_nodes(draft: GraphDraft, gemm: Node, path: _Path, part: _Part) -> list[Node]:
    columns = slice(part.first, part.last)
    label, target = part.node.name, part.node.outputs[0]
    names = [
        draft.add_constant(f"{label}/part", np.ascontiguousarray(draft.constants[name][columns]))
        for name in gemm.inputs[1:]
        if name
    ]
    rows = draft.shape(gemm.outputs[0])[0]
    product = draft.add_tensor(f"{label}/product", (rows, part.last - part.first))
    inputs = (gemm.inputs[0], *names)
    nodes = [replace(gemm, inputs=inputs, outputs=(product,), name=f"{gemm.name}/{part.first}")]
    current = product
    if path.is_turned:
        wide = draft.add_tensor(f"{label}/wide", part.shape)
        nodes.append(_reshape(draft, current, wide, f"{label}/apart"))
        turned = tuple(part.shape[axis] for axis in path.permutation)
        current = draft.add_tensor(f"{label}/turned", turned)
        order = {"perm": path.permutation}
        nodes.append(Node("Transpose", (wide,), (current,), order, f"{label}/turn"))
    return [*nodes, _reshape(draft, current, target, label)]


def _reshape(draft: GraphDraft, source: str, target: str, name: str) -> Node:
    shape = draft.add_constant(f"{name}/shape", np.array(draft.shape(target), np.int64))
    return Node("Reshape", (source, shape), (target,), {}, name)


def _is_plain(draft: GraphDraft, node: Node) -> bool:
    is_constant = all(not name or name in draft.constants for name in node.inputs[1:])
    return node.op == "Gemm" and is_constant and bool(node.attributes.get("transB", 0))


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for gemm in graph.nodes:
        if not _is_plain(draft, gemm):
            continue
        path = _path(draft, gemm)
        parts = _parts(draft, gemm, path)
        if not parts:
            continue
        nodes = [node for part in parts for node in _part_nodes(draft, gemm, path, part)]
        draft.remove([*path.moves, *(part.node for part in parts)])
        draft.replace(gemm, *nodes)
    return draft.finish()


SPLIT_GEMM = GraphPass("split gemm", _rewrite)
