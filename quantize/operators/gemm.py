"""Gemm: a fully connected layer with weights [out, in] (transB = 1)."""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator
from quantize.operators.conditions import first_fault, rank_fault, weight_fault
from quantize.quantized_graph import Precision

__all__ = ["GEMM"]


def _find_fault(graph: FloatGraph, node: Node) -> str | None:
    if node.attributes.get("transA", 0):
        return "transA = 1; only an untransposed first input is supported"
    return first_fault(rank_fault(graph, node, 2), weight_fault(graph, node))


GEMM = Operator(
    "Gemm",
    weight=1,
    bias=2,
    find_fault=_find_fault,
    precisions=frozenset(Precision),
    dynamic_weights=(1,),
)
