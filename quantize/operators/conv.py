"""Conv: dense, grouped or depthwise, two spatial axes."""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator
from quantize.operators.conditions import first_fault, rank_fault, weight_fault

__all__ = ["CONV"]


def _find_fault(graph: FloatGraph, node: Node) -> str | None:
    return first_fault(rank_fault(graph, node, 4), weight_fault(graph, node))


CONV = Operator("Conv", weight=1, bias=2, find_fault=_find_fault)
