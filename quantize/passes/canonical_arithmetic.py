"""Arithmetic of two operands, one way to write each thing.

Sub and Div by a constant become Add and Mul. Sum, Mean, Max and Min of many become chains of two;
Max and Min with one number become Clip where the bound allows it (0 must stay between the bounds).
Clip with other bounds, or of integers, is Max and Min. Reciprocal, Tan and powers with a plain
exponent are written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from quantize.graph import Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass, Writer, rewriting
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_ARITHMETIC"]


def _write_inverse(draft: GraphDraft, node: Node) -> None:
    """Sub and Div by a constant."""
    operand = draft.constants.get(node.inputs[1])
    if operand is None or operand.dtype != np.float32:
        return
    if node.op == "Div" and not operand.all():
        return
    values = -operand if node.op == "Sub" else 1.0 / operand.astype(np.float64)
    name = draft.add_constant(f"{node.name}/operand", values.astype(operand.dtype))
    op = "Add" if node.op == "Sub" else "Mul"
    draft.replace(node, replace(node, op=op, inputs=(node.inputs[0], name)))


def _write_chain(draft: GraphDraft, node: Node) -> None:
    """Sum, Mean, Max, Min of any number of operands."""
    op = "Add" if node.op in {"Sum", "Mean"} else node.op
    made = Replacement(draft, node)
    operands = list(node.inputs)
    if node.op == "Mean":
        share = made.constant(1.0 / len(operands))
        total = operands[0]
        for name in operands[1:]:
            total = made.add("Add", total, name)
        made.finish("Mul", total, share)
    elif len(operands) > 1:
        total = operands[0]
        for name in operands[1:-1]:
            total = made.add(op, total, name)
        _finish_pair(draft, made, op, (total, operands[-1]))
    else:
        made.finish("Identity", operands[0])


def _finish_pair(draft: GraphDraft, made: Replacement, op: str, pair: tuple[str, str]) -> None:
    for source, bound in (pair, pair[::-1]):
        values = draft.constants.get(bound)
        if op not in {"Max", "Min"} or values is None or values.size != 1:
            continue
        limit = float(values.reshape(()))
        is_wide = len(values.shape) > len(draft.shape(source))
        if values.dtype != np.float32 or is_wide or (limit > 0 if op == "Max" else limit < 0):
            continue
        scalar = made.constant(limit)
        made.finish("Clip", source, *((scalar,) if op == "Max" else ("", scalar)))
        return
    made.finish(op, *pair)


def _write_clip(draft: GraphDraft, node: Node) -> None:
    """Clip with bounds that are computed, or on one side of 0, or of integers."""
    low, high = (*node.inputs[1:], "", "")[:2]
    is_float = draft.dtype(node.inputs[0]) == "float32"
    if is_float and _holds_zero(draft, low, high):
        return
    made = Replacement(draft, node)
    bounds = [(op, name) for op, name in (("Max", low), ("Min", high)) if name]
    current = node.inputs[0]
    for op, name in bounds[:-1]:
        current = made.add(op, current, name)
    made.finish(bounds[-1][0], current, bounds[-1][1])


def _holds_zero(draft: GraphDraft, low: str, high: str) -> bool:
    if any(name and name not in draft.constants for name in (low, high)):
        return False
    least = float(draft.constants[low].reshape(())) if low else -np.inf
    most = float(draft.constants[high].reshape(())) if high else np.inf
    return least <= 0 <= most and least < most


def _write_reciprocal(draft: GraphDraft, node: Node) -> None:
    made = Replacement(draft, node)
    made.finish("Div", made.constant(1.0), node.inputs[0])


def _write_tan(draft: GraphDraft, node: Node) -> None:
    made = Replacement(draft, node)
    made.finish("Div", made.add("Sin", node.inputs[0]), made.add("Cos", node.inputs[0]))


def _write_power(draft: GraphDraft, node: Node) -> None:
    source, exponent = node.inputs[0], draft.constants.get(node.inputs[1])
    if exponent is None or exponent.size != 1 or draft.dtype(source) != "float32":
        return
    if draft.shape(source) != draft.shape(node.outputs[0]):
        return
    power = float(exponent.reshape(()))
    made = Replacement(draft, node)
    if power == 1.0:
        made.finish("Identity", source)
    elif power == 2.0:  # noqa: PLR2004 - a power is what it is
        made.finish("Mul", source, source)
    elif power == 3.0:  # noqa: PLR2004
        made.finish("Mul", made.add("Mul", source, source), source)
    elif power == 0.5:  # noqa: PLR2004
        made.finish("Sqrt", source)
    elif power == -0.5:  # noqa: PLR2004
        made.finish("Div", made.constant(1.0), made.add("Sqrt", source))
    elif power == -1.0:
        made.finish("Div", made.constant(1.0), source)
    elif str(exponent.dtype) != "float32":
        made.finish("Pow", source, made.constant(power))


_WRITERS: Mapping[str, Writer] = {
    "Clip": _write_clip,
    "Div": _write_inverse,
    "Max": _write_chain,
    "Mean": _write_chain,
    "Min": _write_chain,
    "Pow": _write_power,
    "Reciprocal": _write_reciprocal,
    "Sub": _write_inverse,
    "Sum": _write_chain,
    "Tan": _write_tan,
}


CANONICAL_ARITHMETIC = GraphPass(
    "canonical arithmetic",
    rewriting(_WRITERS),
    {
        "Clip": "Max Min",
        "Div": "Mul",
        "Max": "Clip",
        "Mean": "Add Mul",
        "Min": "Clip",
        "Pow": "Mul Sqrt Div",
        "Reciprocal": "Div",
        "Sub": "Add",
        "Sum": "Add",
        "Tan": "Sin Cos Div",
    },
)
