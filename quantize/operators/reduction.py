"""Operators that take many values to one, and running sums.

`Reduce*` have attributes `axes` (ascending, none negative) and `keepdims`, whatever the opset
of the source. `ArgMax` and `ArgMin` have `axis` and `keepdims` and give int64. `TopK` works on
the last axis, largest first, with a constant k, and has two outputs: values, and int64 positions.
"""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import FLOAT_ONLY, Operator
from quantize.operators.conditions import first_fault, last_axis_fault

__all__ = ["ARG_MAX", "ARG_MIN", "CUM_SUM", "REDUCTIONS", "TOP_K"]


def _find_top_k_fault(graph: FloatGraph, node: Node) -> str | None:
    smallest = None if node.attributes.get("largest", 1) else "largest = 0; only 1 is supported"
    return first_fault(smallest, last_axis_fault(graph, node))


def _find_arg_fault(_graph: FloatGraph, node: Node) -> str | None:
    if node.attributes.get("select_last_index", 0):
        return "select_last_index = 1; only the first index is supported"
    return None


REDUCTIONS: tuple[Operator, ...] = tuple(
    Operator(op, precisions=FLOAT_ONLY)
    for op in ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum")
)
ARG_MAX = Operator("ArgMax", find_fault=_find_arg_fault, precisions=FLOAT_ONLY)
ARG_MIN = Operator("ArgMin", find_fault=_find_arg_fault, precisions=FLOAT_ONLY)
TOP_K = Operator(
    "TopK", parameters=frozenset({1}), find_fault=_find_top_k_fault, precisions=FLOAT_ONLY
)
CUM_SUM = Operator("CumSum", parameters=frozenset({1}), precisions=FLOAT_ONLY)
