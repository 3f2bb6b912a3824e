"""Relu and Clip: monotone, so an integer stays the same integer or becomes a bound."""

from __future__ import annotations

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator

__all__ = ["CLIP", "RELU", "clamp_bounds"]


def clamp_bounds(graph: FloatGraph, node: Node) -> tuple[float, float]:
    """Smallest and largest value that a Relu or Clip node lets through."""
    if node.op == "Relu":
        return 0.0, float(np.inf)
    bounds = [-np.inf, np.inf]
    for at, name in enumerate(node.inputs[1:3]):
        if name:
            bounds[at] = float(graph.constants[name].reshape(-1)[0])
    return float(bounds[0]), float(bounds[1])


def _find_fault(graph: FloatGraph, node: Node) -> str | None:
    low, high = clamp_bounds(graph, node)
    if not low <= 0.0 <= high or low == high:
        return f"bounds {low} .. {high}; they must hold 0 between them"
    return None


RELU = Operator("Relu", is_same_scale=True)
CLIP = Operator("Clip", parameters=frozenset({1, 2}), is_same_scale=True, find_fault=_find_fault)
