"""Add and Mul of two tensors, or of a tensor and a constant."""

from __future__ import annotations

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator

__all__ = ["ADD", "MUL"]


def _find_fault(graph: FloatGraph, node: Node) -> str | None:
    for name in node.inputs:
        constant = graph.constants.get(name)
        if constant is None:
            continue
        if constant.dtype != np.float32:
            return f"constant '{name}' of type {constant.dtype}; only float32 is supported"
        if not np.isfinite(constant).all():
            return f"constant '{name}' holds NaN or infinity"
    return None


ADD = Operator("Add", takes_constant=True, find_fault=_find_fault)
MUL = Operator("Mul", takes_constant=True, find_fault=_find_fault)
