"""Operators that move values and compute nothing: the integers stay the same integers.

Canonical forms: `Reshape` to its static output shape; `Slice` with starts, ends, axes and steps
for every axis, none negative but the steps of a reversal; `DepthToSpace` in mode DCR; `Tile`
with one repeat an axis; `Pad` with pads for all axes.
"""

from __future__ import annotations

from quantize.graph import FloatGraph, Node
from quantize.operators.base import Operator
from quantize.operators.conditions import first_fault, rank_fault

__all__ = [
    "CONCAT",
    "DEPTH_TO_SPACE",
    "PAD",
    "RESHAPE",
    "SLICE",
    "SPACE_TO_DEPTH",
    "TILE",
    "TRANSPOSE",
]


def _pad_value(graph: FloatGraph, node: Node) -> float:
    name = node.inputs[2] if len(node.inputs) > len(("data", "pads")) else ""
    return float(graph.constants[name].reshape(-1)[0]) if name else 0.0


def _find_pad_fault(graph: FloatGraph, node: Node) -> str | None:
    mode = node.attributes.get("mode", "constant")
    if mode not in {"constant", "reflect"}:
        return f"mode '{mode}'; only 'constant' and 'reflect' are supported"
    pads = [int(each) for each in graph.constants[node.inputs[1]]]
    if min(pads, default=0) < 0:
        return f"negative pads {pads}"
    return None


def _find_int8_pad_fault(graph: FloatGraph, node: Node) -> str | None:
    mode = node.attributes.get("mode", "constant")
    value = _pad_value(graph, node)
    return first_fault(
        None if mode == "constant" else f"mode '{mode}'; only 'constant' is integer",
        None if value == 0.0 else f"pads with {value}; only 0 is integer",
    )


def _find_int8_concat_fault(graph: FloatGraph, node: Node) -> str | None:
    constant = next((name for name in node.inputs if name in graph.constants), None)
    return None if constant is None else f"'{constant}' is a constant with a scale of its own"


def _find_depth_to_space_fault(graph: FloatGraph, node: Node) -> str | None:
    mode = node.attributes.get("mode", "DCR")
    return first_fault(
        rank_fault(graph, node, 4),
        None if mode == "DCR" else f"mode '{mode}'; only 'DCR' is supported",
    )


def _find_space_to_depth_fault(graph: FloatGraph, node: Node) -> str | None:
    return rank_fault(graph, node, 4)


RESHAPE = Operator("Reshape", parameters=frozenset({1}), is_same_scale=True)
TRANSPOSE = Operator("Transpose", is_same_scale=True)
SLICE = Operator("Slice", parameters=frozenset({1, 2, 3, 4}), is_same_scale=True)
TILE = Operator("Tile", parameters=frozenset({1}), is_same_scale=True)
PAD = Operator(
    "Pad",
    parameters=frozenset({1, 2}),
    is_same_scale=True,
    find_fault=_find_pad_fault,
    int8_fault=_find_int8_pad_fault,
)
CONCAT = Operator(
    "Concat", takes_constant=True, is_same_scale=True, int8_fault=_find_int8_concat_fault
)
DEPTH_TO_SPACE = Operator("DepthToSpace", is_same_scale=True, find_fault=_find_depth_to_space_fault)
SPACE_TO_DEPTH = Operator("SpaceToDepth", is_same_scale=True, find_fault=_find_space_to_depth_fault)
