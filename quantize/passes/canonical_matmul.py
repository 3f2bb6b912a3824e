"""Products of matrices in forms that the next passes know.

Operands of one axis get a second. A constant first operand changes places with the second:
A x = (x' A')'. Gemm whose weights are computed is a MatMul, and what it adds that is not one
constant a column is an Add. onnxruntime's FusedMatMul is MatMul with Transposes and a factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from quantize.graph import Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass, Writer, rewriting
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_MATMUL"]

_MATRIX_RANK = 2


def _swap_last(rank: int) -> tuple[int, ...]:
    return (*range(rank - 2), rank - 1, rank - 2)


def _product_shape(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    return (*(int(size) for size in batch), left[-2], right[-1])


def _write_matmul(draft: GraphDraft, node: Node) -> None:
    left, right = node.inputs
    shapes = draft.shape(left), draft.shape(right)
    if min(len(shape) for shape in shapes) < _MATRIX_RANK:
        made = Replacement(draft, node)
        row = made.reshape(left, (1, *shapes[0])) if len(shapes[0]) == 1 else left
        column = made.reshape(right, (*shapes[1], 1)) if len(shapes[1]) == 1 else right
        wide = _product_shape(draft.shape(row), draft.shape(column))
        made.finish_reshape(made.add("MatMul", row, column, shape=wide))
    elif left in draft.constants and len(shapes[0]) == _MATRIX_RANK:
        made = Replacement(draft, node)
        weights = made.constant(draft.constants[left].T, hint="turned")
        turned = made.transpose(right, _swap_last(len(shapes[1])))
        shape = (*draft.shape(turned)[:-1], shapes[0][0])
        product = made.add("MatMul", turned, weights, shape=shape)
        made.finish("Transpose", product, attributes={"perm": _swap_last(len(shape))})
    elif right in draft.constants and set(shapes[1][:-2]) == {1}:
        if len(shapes[1]) > len(shapes[0]):
            return
        flat = draft.add_constant(
            f"{node.name}/matrix", draft.constants[right].reshape(shapes[1][-2:])
        )
        draft.replace(node, replace(node, inputs=(left, flat)))


def _write_fused(draft: GraphDraft, node: Node) -> None:
    if any(node.attributes.get(key, 0) for key in ("transBatchA", "transBatchB")):
        return
    made = Replacement(draft, node)
    operands = []
    for name, key in zip(node.inputs, ("transA", "transB"), strict=True):
        is_turned = bool(node.attributes.get(key, 0))
        order = _swap_last(len(draft.shape(name)))
        operands.append(made.transpose(name, order) if is_turned else name)
    alpha = float(node.attributes.get("alpha", 1.0))
    if alpha == 1.0:
        made.finish("MatMul", *operands)
        return
    shape = draft.shape(node.outputs[0])
    product = made.add("MatMul", *operands, shape=shape)
    made.finish("Mul", product, made.constant(alpha))


def _write_gemm(draft: GraphDraft, node: Node) -> None:
    source, weights, *rest = node.inputs
    addend = rest[0] if rest else ""
    is_turned = bool(node.attributes.get("transA", 0))
    shape = draft.shape(node.outputs[0])
    has_weights = weights in draft.constants and source not in draft.constants
    is_bias = not addend or (addend in draft.constants and _is_row(draft, addend, shape[1]))
    if has_weights and is_bias and not is_turned:
        return
    made = Replacement(draft, node)
    left = made.transpose(source, (1, 0)) if is_turned else source
    alpha = float(node.attributes.get("alpha", 1.0))
    if has_weights:
        attributes = {"alpha": alpha, "transB": node.attributes.get("transB", 0)}
        product = made.add("Gemm", left, weights, shape=shape, attributes=attributes)
    else:
        right = made.transpose(weights, (1, 0)) if node.attributes.get("transB", 0) else weights
        product = made.add("MatMul", left, right, shape=shape)
        if alpha != 1.0:
            product = made.add("Mul", product, made.constant(alpha))
    beta = float(node.attributes.get("beta", 1.0))
    if not addend:
        made.finish("Identity", product)
    elif beta == 1.0:
        made.finish("Add", product, addend)
    else:
        made.finish("Add", product, made.add("Mul", addend, made.constant(beta)))


def _is_row(draft: GraphDraft, name: str, columns: int) -> bool:
    """Whether a constant is one value, or one value a column."""
    shape = draft.shape(name)
    is_one_row = all(size == 1 for size in shape[:-1])
    return is_one_row and (not shape or shape[-1] in {1, columns})


_WRITERS: Mapping[str, Writer] = {
    "Gemm": _write_gemm,
    "MatMul": _write_matmul,
    "com.microsoft.FusedMatMul": _write_fused,
}


CANONICAL_MATMUL = GraphPass(
    "canonical matmul",
    rewriting(_WRITERS),
    {
        "Gemm": "MatMul Mul Add",
        "com.microsoft.FusedMatMul": "Transpose MatMul Mul",
    },
)
