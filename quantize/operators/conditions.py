"""Conditions that several operators ask for; each returns a fault or None."""

from __future__ import annotations

import numpy as np

from quantize.graph import FloatGraph, Node

__all__ = [
    "first_fault",
    "last_axis_fault",
    "operand_fault",
    "rank_fault",
    "weight_fault",
]


def first_fault(*faults: str | None) -> str | None:
    """The first fault that there is."""
    return next((fault for fault in faults if fault), None)


def rank_fault(graph: FloatGraph, node: Node, rank: int) -> str | None:
    """A fault unless the first input has this rank."""
    found = len(graph.shape(node.inputs[0]))
    return None if found == rank else f"input of rank {found}; only rank {rank} is supported"


def last_axis_fault(graph: FloatGraph, node: Node) -> str | None:
    """A fault unless the attribute `axis` is the last axis of the first input."""
    rank = len(graph.shape(node.inputs[0]))
    axis = int(node.attributes.get("axis", -1))
    if axis % rank != rank - 1:
        return f"axis {axis} of rank {rank}; only the last axis is supported"
    return None


def weight_fault(graph: FloatGraph, node: Node) -> str | None:
    """A fault unless weight and bias are finite constants and the bias has one value a channel."""
    for name in node.inputs[1:]:
        if name and name not in graph.constants:
            return f"weight or bias '{name}' is computed; only constants are supported"
        if name and not np.isfinite(graph.constants[name]).all():
            return f"weight or bias '{name}' holds NaN or infinity"
    channels = graph.shape(node.inputs[1])[0]
    for bias in filter(None, node.inputs[2:]):
        if graph.shape(bias) != (channels,):
            return f"bias of shape {graph.shape(bias)}; one value a channel is needed"
    return None


def operand_fault(graph: FloatGraph, node: Node) -> str | None:
    """A fault where a constant operand is not finite, or has another type than the rest."""
    for name in node.inputs:
        constant = graph.constants.get(name)
        if constant is None:
            continue
        others = {graph.dtype(each) for each in node.inputs if each and each != name}
        if others and str(constant.dtype) not in others:
            return f"constant '{name}' of type {constant.dtype} meets {', '.join(sorted(others))}"
        if constant.dtype.kind == "f" and not np.isfinite(constant).all():
            return f"constant '{name}' holds infinity; use a large finite number, as -1e4 in a mask"
    return None
