"""DequantizeLinear at a graph's input: pixels as they come, and what their integers stand for."""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator

__all__ = ["DEQUANTIZE_LINEAR"]


def _find_fault(graph: FloatGraph, node: Node) -> str | None:
    source = node.inputs[0]
    if source not in graph.inputs or graph.dtype(source) != "uint8":
        return "the model is quantized already; give the float model that it was made from"
    return None


DEQUANTIZE_LINEAR = Operator(
    "DequantizeLinear", parameters=frozenset({1, 2}), find_fault=_find_fault
)
