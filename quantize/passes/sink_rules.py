"""How an operator works in front of a move instead of behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import Node
from quantize.graph_draft import GraphDraft
from quantize.operators.logic import LOGIC
from quantize.operators.reduction import REDUCTIONS
from quantize.operators.unary import UNARY
from quantize.passes.moves import Move, move_of

__all__ = ["SINKABLE", "EarlyForm", "early_form"]

_ONE_INPUT = frozenset(
    {"Relu", "Clip", "LeakyRelu", "Elu", "Gelu", "Sigmoid", "Cast", *(each.op for each in UNARY)}
)
_ELEMENTWISE = frozenset(
    {
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Max",
        "Min",
        "Pow",
        "Where",
        "PRelu",
        *(each.op for each in LOGIC),
    }
)
_LAST_AXIS = frozenset({"Softmax", "LogSoftmax", "LayerNormalization"})
_REDUCTIONS = frozenset(each.op for each in REDUCTIONS)
_BY_AXIS = frozenset({"Pad", "Slice", "Tile"})
_BY_CHANNEL = frozenset({"BatchNormalization"})
_ALL_INPUTS = _ELEMENTWISE | {"Concat", "MatMul"}

_PRODUCTS = frozenset({"MatMul"})

SINKABLE = _PRODUCTS | _ALL_INPUTS | _ONE_INPUT | _LAST_AXIS | _REDUCTIONS | _BY_AXIS | _BY_CHANNEL

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EarlyForm:
    """A node that reads what is in front of a move.

    Attributes:
        inputs: that it reads.
        attributes: that it has there.
        shape: of its output there.
        move: that has to follow it.
        before: nodes that it needs.
    """

    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    shape: Shape
    move: Move
    before: tuple[Node, ...] = ()


def early_form(draft: GraphDraft, node: Node) -> EarlyForm | None:
    """The node in front of the one move that all its data inputs come through; None for none."""
    moves = _moves_before(draft, node) if node.op in SINKABLE else []
    if not moves:
        return _early_beside_mask(draft, node)
    if node.op == "Concat":
        return _early_concat(draft, node, moves)
    if node.op in _PRODUCTS:
        return _early_product(draft, node, moves)
    move = moves[0]
    if any(each != move for each in moves):
        return _early_beside_mask(draft, node)
    if node.op in _REDUCTIONS:
        return _early_reduction(draft, node, move)
    if node.op in _BY_AXIS:
        return _early_by_axis(draft, node, move)
    return _early_by_value(draft, node, move)


def _early_by_value(draft: GraphDraft, node: Node, move: Move) -> EarlyForm | None:
    """What works value by value, along the last axis, or along the channels."""
    if node.op in _LAST_AXIS and move.axis_before(-1) != len(move.before) - 1:
        return None
    if node.op in _BY_CHANNEL and move.axis_before(1) != 1:
        return None
    if draft.shape(node.outputs[0]) != move.after:
        return None
    inputs = _inputs(draft, node, move)
    return None if inputs is None else EarlyForm(inputs, node.attributes, move.before, move)


def _moves_before(draft: GraphDraft, node: Node) -> list[Move]:
    """One for each data input that is not constant; empty where one of them is no move."""
    names = node.inputs if node.op in _ALL_INPUTS else node.inputs[:1]
    found: list[Move] = []
    for name in names:
        if name in draft.constants:
            continue
        move = move_of(draft, draft.producer(name))
        if move is None:
            return []
        found.append(move)
    return found


def _source(draft: GraphDraft, name: str) -> str:
    writer = draft.producer(name)
    return writer.inputs[0] if writer is not None else name


def _inputs(draft: GraphDraft, node: Node, move: Move) -> tuple[str, ...] | None:
    if node.op not in _ELEMENTWISE:
        return (_source(draft, node.inputs[0]), *node.inputs[1:])
    inputs: list[str] = []
    for name in node.inputs:
        if name not in draft.constants:
            inputs.append(_source(draft, name))
            continue
        values = move.constant_before(draft.constants[name])
        if values is None:
            return None
        inputs.append(draft.add_constant(f"{node.name}/operand", np.ascontiguousarray(values)))
    return tuple(inputs)


def _early_concat(draft: GraphDraft, node: Node, moves: Sequence[Move]) -> EarlyForm | None:
    """Parts may differ along the joined axis."""
    if any(name in draft.constants for name in node.inputs):
        return None
    first = moves[0]
    joined = first.axis_before(int(node.attributes["axis"]))
    if joined is None or any(
        each.permutation != first.permutation or each.is_series != first.is_series for each in moves
    ):
        return None
    if first.permutation is None and not first.is_series:
        return None
    shape = list(first.before)
    shape[joined] = sum(each.before[joined] for each in moves)
    inputs = tuple(_source(draft, name) for name in node.inputs)
    move = Move(tuple(shape), draft.shape(node.outputs[0]), first.permutation)
    return EarlyForm(inputs, {**node.attributes, "axis": joined}, tuple(shape), move)


def _early_product(draft: GraphDraft, node: Node, moves: Sequence[Move]) -> EarlyForm | None:
    """Matrices that only get leading axes of size 1 multiply as well without them."""
    added = {each.leading_units for each in moves}
    count = added.pop()
    after = draft.shape(node.outputs[0])
    if len(moves) != len(node.inputs) or added or not count:
        return None
    if len({len(each.after) for each in moves}) > 1 or any(
        len(each.before) < len(("rows", "columns")) for each in moves
    ):
        return None
    shape = after[count:]
    inputs = tuple(_source(draft, name) for name in node.inputs)
    return EarlyForm(inputs, node.attributes, shape, Move(shape, after, None))


def _early_beside_mask(draft: GraphDraft, node: Node) -> EarlyForm | None:
    """A tensor with new leading axes of size 1 meets a smaller one that is spread over it.

    The smaller one (the mask of attention) loses those axes by a Reshape of its own.
    """
    if node.op not in _ELEMENTWISE or len(node.inputs) != len(("tensor", "mask")):
        return None
    after = draft.shape(node.outputs[0])
    for at, name in enumerate(node.inputs):
        move = move_of(draft, draft.producer(name))
        mask = node.inputs[1 - at]
        shape = draft.shape(mask)
        if move is None or not move.leading_units or move.after != after:
            continue
        if prod(shape) >= prod(after) or len(shape) > len(after):
            continue
        kept = shape[max(len(shape) - len(move.before), 0) :]
        early = draft.add_tensor(f"{node.name}/mask", kept, draft.dtype(mask))
        target = draft.add_constant(f"{early}/shape", np.array(kept, np.int64))
        reshape = Node("Reshape", (mask, target), (early,), {}, early)
        inputs = [early, early]
        inputs[at] = _source(draft, name)
        return EarlyForm(tuple(inputs), node.attributes, move.before, move, (reshape,))
    return None


def _early_reduction(draft: GraphDraft, node: Node, move: Move) -> EarlyForm | None:
    if not node.attributes["keepdims"] or (move.permutation is None and not move.is_series):
        return None
    found = [move.axis_before(axis) for axis in node.attributes["axes"]]
    axes = sorted(axis for axis in found if axis is not None)
    last = len(move.before) - 1
    if move.is_series and axes == [last]:
        axes = [last - 1, last]  # the height of 1 too, so that it is a mean over a picture
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(move.before))
    after = draft.shape(node.outputs[0])
    attributes = {**node.attributes, "axes": tuple(axes)}
    inputs = (_source(draft, node.inputs[0]),)
    return EarlyForm(inputs, attributes, shape, Move(shape, after, move.permutation))


def _early_by_axis(draft: GraphDraft, node: Node, move: Move) -> EarlyForm | None:
    """Pads, bounds and repeats change places with the axes."""
    if move.permutation is None and not move.is_series:
        return None
    if node.op == "Slice":
        rows = [draft.constants[name] for name in node.inputs[1:]]
        neutral = [0, 1, 2, 1]  # start, end, axis, step of an axis of size 1
        changed = [_on_axes(move, row, fill) for row, fill in zip(rows, neutral, strict=True)]
        changed[2] = np.arange(len(move.before))
    elif node.op == "Pad":
        halves = draft.constants[node.inputs[1]].reshape(2, -1)
        changed = [np.concatenate([_on_axes(move, half, 0) for half in halves])]
    else:
        changed = [_on_axes(move, draft.constants[node.inputs[1]], 1)]
    names = [
        draft.add_constant(f"{node.name}/by axis", values.astype(np.int64)) for values in changed
    ]
    rest = node.inputs[1 + len(names) :]
    after = draft.shape(node.outputs[0])
    shape = _on_axes(move, np.array(after), 1)
    before = tuple(int(size) for size in shape)
    inputs = (_source(draft, node.inputs[0]), *names, *rest)
    return EarlyForm(inputs, node.attributes, before, Move(before, after, move.permutation))


def _on_axes(move: Move, values: NDArray[Any], fill: int) -> NDArray[Any]:
    """One value an axis after the move -> one value an axis before it."""
    found = np.full(len(move.before), fill, np.int64)
    for axis, value in enumerate(values):
        found[move.axis_before(axis) or 0] = value
    return found
