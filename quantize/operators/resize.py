"""Resize of two spatial axes to a static size.

Inputs (x, "", "", sizes) where the scale is exactly out / in, else (x, "", scales). The nearest
form picks integers as they are; the linear form is float, since engines round its integers apart.
"""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator
from quantize.operators.conditions import rank_fault

__all__ = ["RESIZE"]


def _find_fault(graph: FloatGraph, node: Node) -> str | None:
    mode = node.attributes.get("mode", "nearest")
    before, after = graph.shape(node.inputs[0]), graph.shape(node.outputs[0])
    if mode not in {"nearest", "linear"}:
        return f"mode '{mode}'; only 'nearest' and 'linear' are supported"
    if node.attributes.get("antialias", 0):
        return "antialias = 1 is not supported"
    if before[:2] != after[:2]:
        return f"from {before} to {after}; only height and width may change"
    return rank_fault(graph, node, 4)


def _find_int8_fault(_graph: FloatGraph, node: Node) -> str | None:
    mode = node.attributes.get("mode", "nearest")
    return None if mode == "nearest" else f"mode '{mode}'; only 'nearest' moves integers"


RESIZE = Operator(
    "Resize",
    parameters=frozenset({1, 2, 3}),
    is_same_scale=True,
    find_fault=_find_fault,
    int8_fault=_find_int8_fault,
)
