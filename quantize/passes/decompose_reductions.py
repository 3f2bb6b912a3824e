"""Reductions and normalisations that are compositions of sums, means and maxima.

ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum, ReduceLogSumExp (with the largest value taken
out first, so that it does not overflow), LpNormalization, GlobalLpPool, MeanVarianceNormalization
and RMSNormalization (Zhang and Sennrich 2019).
"""

from __future__ import annotations

from collections.abc import Mapping

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass, Writer
from quantize.passes.replacement import Replacement

__all__ = ["DECOMPOSE_REDUCTIONS"]

_SQUARE = 2

Axes = tuple[int, ...]


class _Reducer:
    """Reductions of one node's input along one set of axes."""

    def __init__(self, draft: GraphDraft, node: Node, axes: Axes) -> None:
        self.made = Replacement(draft, node)
        self.source = node.inputs[0]
        self.axes = axes
        self._shape = draft.shape(self.source)

    def reduce(self, op: str, name: str, *, keepdims: bool) -> str:
        sizes = [1 if axis in self.axes else size for axis, size in enumerate(self._shape)]
        if not keepdims:
            sizes = [size for axis, size in enumerate(self._shape) if axis not in self.axes]
        attributes = {"axes": self.axes, "keepdims": int(keepdims)}
        return self.made.add(op, name, shape=tuple(sizes), attributes=attributes)

    def finish(self, op: str, name: str, *, keepdims: bool) -> None:
        self.made.finish(op, name, attributes={"axes": self.axes, "keepdims": int(keepdims)})

    def square(self) -> str:
        return self.made.add("Mul", self.source, self.source)


def _write_reduction(draft: GraphDraft, node: Node) -> None:
    each = _Reducer(draft, node, tuple(node.attributes["axes"]))
    keepdims = bool(node.attributes["keepdims"])
    made = each.made
    if node.op == "ReduceL1":
        each.finish("ReduceSum", made.add("Abs", each.source), keepdims=keepdims)
    elif node.op == "ReduceSumSquare":
        each.finish("ReduceSum", each.square(), keepdims=keepdims)
    elif node.op == "ReduceL2":
        made.finish("Sqrt", each.reduce("ReduceSum", each.square(), keepdims=keepdims))
    elif node.op == "ReduceLogSum":
        made.finish("Log", each.reduce("ReduceSum", each.source, keepdims=keepdims))
    else:
        largest = each.reduce("ReduceMax", each.source, keepdims=True)
        powers = made.add("Exp", made.add("Sub", each.source, largest))
        total = made.add("Log", each.reduce("ReduceSum", powers, keepdims=keepdims))
        if not keepdims:
            largest = made.reshape(largest, draft.shape(node.outputs[0]))
        made.finish("Add", total, largest)


def _write_norm(draft: GraphDraft, node: Node) -> None:
    """LpNormalization and GlobalLpPool, of order 1 or 2."""
    rank = len(draft.shape(node.inputs[0]))
    is_first = int(node.attributes.get("p", 2)) == 1
    if node.op == "GlobalLpPool":
        each = _Reducer(draft, node, tuple(range(2, rank)))
        if is_first:
            each.finish("ReduceSum", each.made.add("Abs", each.source), keepdims=True)
        else:
            each.made.finish("Sqrt", each.reduce("ReduceSum", each.square(), keepdims=True))
        return
    each = _Reducer(draft, node, (int(node.attributes.get("axis", -1)) % rank,))
    if is_first:
        norm = each.reduce("ReduceSum", each.made.add("Abs", each.source), keepdims=True)
    else:
        total = each.reduce("ReduceSum", each.square(), keepdims=True)
        norm = each.made.add("Sqrt", total)
    each.made.finish("Div", each.source, norm)


def _write_mean_variance(draft: GraphDraft, node: Node) -> None:
    """(x - mean) / (sqrt(E[x^2] - mean^2) + 1e-9), the variance written without cancellation."""
    rank = len(draft.shape(node.inputs[0]))
    axes = tuple(sorted(int(axis) % rank for axis in node.attributes.get("axes", (0, 2, 3))))
    each = _Reducer(draft, node, axes)
    made = each.made
    centred = made.add("Sub", each.source, each.reduce("ReduceMean", each.source, keepdims=True))
    variance = each.reduce("ReduceMean", made.add("Mul", centred, centred), keepdims=True)
    deviation = made.add("Add", made.add("Sqrt", variance), made.constant(1e-9))
    made.finish("Div", centred, deviation)


def _write_rms(draft: GraphDraft, node: Node) -> None:
    rank = len(draft.shape(node.inputs[0]))
    first = int(node.attributes.get("axis", -1)) % rank
    each = _Reducer(draft, node, tuple(range(first, rank)))
    made = each.made
    mean = each.reduce("ReduceMean", each.square(), keepdims=True)
    epsilon = made.constant(float(node.attributes.get("epsilon", 1e-5)))
    scaled = made.add("Div", each.source, made.add("Sqrt", made.add("Add", mean, epsilon)))
    made.finish("Mul", scaled, node.inputs[1])


_WRITERS: Mapping[str, Writer] = {
    "GlobalLpPool": _write_norm,
    "LpNormalization": _write_norm,
    "MeanVarianceNormalization": _write_mean_variance,
    "RMSNormalization": _write_rms,
    "ReduceL1": _write_reduction,
    "ReduceL2": _write_reduction,
    "ReduceLogSum": _write_reduction,
    "ReduceLogSumExp": _write_reduction,
    "ReduceSumSquare": _write_reduction,
}


def _is_known(node: Node) -> bool:
    has_order = node.op in {"GlobalLpPool", "LpNormalization"}
    return not has_order or int(node.attributes.get("p", 2)) in {1, _SQUARE}


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        writer = _WRITERS.get(node.op)
        if writer is not None and _is_known(node):
            writer(draft, node)
    return draft.finish()


DECOMPOSE_REDUCTIONS = GraphPass(
    "decompose reductions",
    _rewrite,
    {
        "GlobalLpPool": "Abs Mul ReduceSum Sqrt",
        "LpNormalization": "Abs Mul ReduceSum Sqrt Div",
        "MeanVarianceNormalization": "ReduceMean Sub Mul Sqrt Add Div",
        "RMSNormalization": "Mul ReduceMean Add Sqrt Div",
        "ReduceL1": "Abs ReduceSum",
        "ReduceL2": "Mul ReduceSum Sqrt",
        "ReduceLogSum": "ReduceSum Log",
        "ReduceLogSumExp": "ReduceMax Sub Exp ReduceSum Log Add",
        "ReduceSumSquare": "Mul ReduceSum",
    },
)
