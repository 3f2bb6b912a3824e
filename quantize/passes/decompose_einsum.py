"""Einsum of one or two operands becomes Transpose, Reshape, MatMul and ReduceSum.

Labels in both operands and in the result are batch axes, labels in both but not in the result are
contracted, and the rest stand for rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["DECOMPOSE_EINSUM"]

_ELLIPSIS_LABELS = "0123456789"
_PAIR = 2


@dataclass(frozen=True, slots=True)
class _Equation:
    operands: tuple[str, ...]
    result: str


def _parse(equation: str, ranks: list[int]) -> _Equation | None:
    """Labels of each operand and of the result; None for what is not supported."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    hidden = {
        rank - (len(term) - len("..."))
        for term, rank in zip(terms, ranks, strict=True)
        if "..." in term
    }
    if len(hidden) > 1:
        return None
    filler = _ELLIPSIS_LABELS[: hidden.pop()] if hidden else ""
    operands = tuple(term.replace("...", filler) for term in terms)
    if not arrow:
        joined = "".join(operands)
        once = sorted(label for label in set(joined) - set(filler) if joined.count(label) == 1)
        right = filler + "".join(once)
    result = right.replace("...", filler)
    if any(len(set(term)) != len(term) for term in (*operands, result)):
        return None
    return _Equation(operands, result)


def _arranged(made: Replacement, name: str, labels: str, wanted: str) -> str:
    """Transpose to the order of `wanted`, which has the same labels."""
    return made.transpose(name, tuple(labels.index(label) for label in wanted))


def _without(
    made: Replacement, draft: GraphDraft, name: str, labels: str, kept: set[str]
) -> tuple[str, str]:
    """Sum over the labels that nothing else has."""
    axes = tuple(axis for axis, label in enumerate(labels) if label not in kept)
    if not axes:
        return name, labels
    shape = tuple(size for axis, size in enumerate(draft.shape(name)) if axis not in axes)
    total = made.add("ReduceSum", name, shape=shape, attributes={"axes": axes, "keepdims": 0})
    return total, "".join(label for label in labels if label in kept)


def _write_one(draft: GraphDraft, node: Node, equation: _Equation) -> None:
    made = Replacement(draft, node)
    labels = equation.operands[0]
    name, left = _without(made, draft, node.inputs[0], labels, set(equation.result))
    made.finish("Identity", _arranged(made, name, left, equation.result))


def _write_pair(draft: GraphDraft, node: Node, equation: _Equation) -> None:
    made = Replacement(draft, node)
    result = equation.result
    first, second = equation.operands
    left, first = _without(made, draft, node.inputs[0], first, set(second) | set(result))
    right, second = _without(made, draft, node.inputs[1], second, set(first) | set(result))
    size = dict(zip(first, draft.shape(left), strict=True))
    size.update(zip(second, draft.shape(right), strict=True))
    batch = "".join(label for label in result if label in first and label in second)
    inner = "".join(label for label in first if label in second and label not in result)
    rows = "".join(label for label in result if label in first and label not in second)
    columns = "".join(label for label in result if label in second and label not in first)

    def sizes(labels: str) -> tuple[int, ...]:
        return tuple(size[label] for label in labels)

    depth, height, width = prod(sizes(inner)), prod(sizes(rows)), prod(sizes(columns))
    left = _arranged(made, left, first, batch + rows + inner)
    right = _arranged(made, right, second, batch + inner + columns)
    left = made.reshape(left, (*sizes(batch), height, depth))
    right = made.reshape(right, (*sizes(batch), depth, width))
    product = made.add("MatMul", left, right, shape=(*sizes(batch), height, width))
    found = batch + rows + columns
    made.finish("Identity", _arranged(made, made.reshape(product, sizes(found)), found, result))


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op != "Einsum" or len(node.inputs) > _PAIR:
            continue
        ranks = [len(draft.shape(name)) for name in node.inputs]
        equation = _parse(str(node.attributes["equation"]), ranks)
        if equation is not None:
            write = _write_one if len(node.inputs) == 1 else _write_pair
            write(draft, node, equation)
    return draft.finish()


DECOMPOSE_EINSUM = GraphPass(
    "decompose einsum",
    _rewrite,
    {
        "Einsum": "Transpose Reshape MatMul ReduceSum",
    },
)
