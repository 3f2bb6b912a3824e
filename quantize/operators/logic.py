"""Comparisons, logic on bool tensors, choosing by a condition, and changes of type."""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import FLOAT_ONLY, Operator

__all__ = ["CAST", "LOGIC", "WHERE"]

_CASTABLE = frozenset({"bool", "float32", "int32", "int64", "uint8"})


def _find_cast_fault(graph: FloatGraph, node: Node) -> str | None:
    found = (graph.dtype(node.inputs[0]), graph.dtype(node.outputs[0]))
    strange = sorted(set(found) - _CASTABLE)
    return f"from {found[0]} to {found[1]}; {strange[0]} is not supported" if strange else None


LOGIC: tuple[Operator, ...] = tuple(
    Operator(op, takes_constant=True, precisions=FLOAT_ONLY)
    for op in (
        "And",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "Not",
        "Or",
    )
)
WHERE = Operator("Where", takes_constant=True, precisions=FLOAT_ONLY)
CAST = Operator("Cast", find_fault=_find_cast_fault, precisions=FLOAT_ONLY)
