"""Logic that is made of comparisons and choices.

Xor, IsNaN, IsInf, Trilu (keeps a triangle), OneHot (positions compared with a row of numbers) and
CastLike (a Cast to the type of another tensor). A bool Where's branches stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from quantize.graph import Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass, Writer, rewriting
from quantize.passes.replacement import Replacement

__all__ = ["DECOMPOSE_LOGIC"]


def _write_xor(draft: GraphDraft, node: Node) -> None:
    made = Replacement(draft, node)
    either = made.add("Or", *node.inputs)
    made.finish("And", either, made.add("Not", made.add("And", *node.inputs)))


def _write_is_nan(draft: GraphDraft, node: Node) -> None:
    """NaN is what does not equal itself."""
    made = Replacement(draft, node)
    made.finish("Not", made.add("Equal", node.inputs[0], node.inputs[0]))


def _write_is_infinite(draft: GraphDraft, node: Node) -> None:
    made = Replacement(draft, node)
    up, down = (int(node.attributes.get(f"detect_{each}", 1)) for each in ("positive", "negative"))
    if not up and not down:
        return
    source = node.inputs[0] if up != down else made.add("Abs", node.inputs[0])
    made.finish("Equal", source, made.constant(np.inf if up else -np.inf))


def _write_trilu(draft: GraphDraft, node: Node) -> None:
    offset = 0
    if node.inputs[1:] and node.inputs[1]:
        if node.inputs[1] not in draft.constants:
            return
        offset = int(draft.constants[node.inputs[1]].reshape(-1)[0])
    if draft.dtype(node.inputs[0]) != "float32":
        return
    made = Replacement(draft, node)
    ones = np.ones(draft.shape(node.inputs[0])[-2:], np.bool_)
    kept = np.triu(ones, offset) if node.attributes.get("upper", 1) else np.tril(ones, offset)
    made.finish("Where", made.constant(kept, np.bool_), node.inputs[0], made.constant(0.0))


def _write_one_hot(draft: GraphDraft, node: Node) -> None:
    """Positions may be negative (counted from the end); those out of range give no one."""
    positions, depth_name, values_name = node.inputs
    if depth_name not in draft.constants or values_name not in draft.constants:
        return
    depth = int(draft.constants[depth_name].reshape(-1)[0])
    off, on = draft.constants[values_name].reshape(-1)
    before = draft.shape(positions)
    axis = int(node.attributes.get("axis", -1)) % (len(before) + 1)
    row = [1] * (len(before) + 1)
    row[axis] = depth
    made = Replacement(draft, node)
    column = made.reshape(positions, (*before[:axis], 1, *before[axis:]))
    dtype = np.dtype(draft.dtype(positions))
    numbers = np.arange(depth).reshape(row)
    is_here = made.add("Equal", column, made.constant(numbers, dtype))
    is_from_end = made.add("Equal", column, made.constant(numbers - depth, dtype))
    either = made.add("Or", is_here, is_from_end)
    kind = draft.constants[values_name].dtype
    made.finish("Where", either, made.constant(on, kind), made.constant(off, kind))


def _write_cast_like(draft: GraphDraft, node: Node) -> None:
    import onnx

    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(draft.dtype(node.outputs[0])))
    Replacement(draft, node).finish("Cast", node.inputs[0], attributes={"to": int(kind)})


_WRITERS: Mapping[str, Writer] = {
    "CastLike": _write_cast_like,
    "IsInf": _write_is_infinite,
    "IsNaN": _write_is_nan,
    "OneHot": _write_one_hot,
    "Trilu": _write_trilu,
    "Xor": _write_xor,
}


DECOMPOSE_LOGIC = GraphPass(
    "decompose logic",
    rewriting(_WRITERS),
    {
        "CastLike": "Cast",
        "IsInf": "Abs Equal",
        "IsNaN": "Equal Not",
        "OneHot": "Reshape Equal Or Where",
        "Trilu": "Where",
        "Xor": "Or And Not",
    },
)
