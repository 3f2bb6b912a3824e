"""Sigmoid and Softmax: outputs in 0..1 with prescribed parameters."""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import UNIT_INTERVAL, Operator

__all__ = ["SIGMOID", "SOFTMAX"]


def _find_softmax_fault(graph: FloatGraph, node: Node) -> str | None:
    rank = len(graph.shape(node.inputs[0]))
    axis = int(node.attributes.get("axis", -1))
    if axis % rank != rank - 1:
        return f"axis {axis} of rank {rank}; only the last axis is supported"
    return None


SIGMOID = Operator("Sigmoid", fixed_output=UNIT_INTERVAL)
SOFTMAX = Operator("Softmax", fixed_output=UNIT_INTERVAL, find_fault=_find_softmax_fault)
