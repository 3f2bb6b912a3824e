"""Reshape, Pad and Concat: they move integers and compute nothing."""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator

__all__ = ["CONCAT", "PAD", "RESHAPE"]


def _find_pad_fault(graph: FloatGraph, node: Node) -> str | None:
    mode = node.attributes.get("mode", "constant")
    if mode != "constant":
        return f"mode '{mode}'; only 'constant' is supported"
    pads = [int(each) for each in graph.constants[node.inputs[1]]]
    if min(pads, default=0) < 0:
        return f"negative pads {pads}"
    value = node.inputs[2] if len(node.inputs) > len(("data", "pads")) else ""
    if value and float(graph.constants[value].reshape(-1)[0]) != 0.0:
        return f"pads with {float(graph.constants[value].reshape(-1)[0])}; only 0 is supported"
    return None


RESHAPE = Operator("Reshape", parameters=frozenset({1}), is_same_scale=True)
PAD = Operator("Pad", parameters=frozenset({1, 2}), is_same_scale=True, find_fault=_find_pad_fault)
CONCAT = Operator("Concat", is_same_scale=True)
