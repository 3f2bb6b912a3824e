"""A factor or term of each column before a Gemm goes into its weights and bias.

W (s * x + t) + b = (W s) x + (W t + b): the batch normalization between two layers of a
perceptron, where an activation keeps it from the layer before.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.channel_affine import Channels, channel_vector

__all__ = ["FOLD_INTO_NEXT_GEMM"]

_MATRIX_RANK = 2


def _operands(draft: GraphDraft, node: Node) -> tuple[str, Channels] | None:
    """What an Add or Mul computes with, and its constant, one value a column."""
    if node.op not in {"Add", "Mul"}:
        return None
    shape = draft.shape(node.outputs[0])
    for source, constant in (node.inputs, node.inputs[::-1]):
        if constant not in draft.constants or source in draft.constants:
            continue
        if draft.shape(source) != shape or len(shape) != _MATRIX_RANK:
            continue
        vector = channel_vector(draft.constants[constant], shape)
        return None if vector is None else (source, vector)
    return None


def _next_gemm(draft: GraphDraft, name: str) -> Node | None:
    if not draft.is_private(name):
        return None
    node = draft.consumers(name)[0]
    is_constant = all(not each or each in draft.constants for each in node.inputs[1:])
    is_plain = node.op == "Gemm" and node.inputs[0] == name and is_constant
    return node if is_plain and node.attributes.get("transB", 0) else None


def _fold(draft: GraphDraft, node: Node, gemm: Node, source: str, vector: Channels) -> None:
    weights = draft.constants[gemm.inputs[1]].astype(np.float64)
    bias = np.zeros(len(weights))
    if any(gemm.inputs[2:]):
        bias = draft.constants[gemm.inputs[2]].astype(np.float64)
    if node.op == "Mul":
        weights = weights * vector
    else:
        bias = bias + weights @ vector
    names = (
        draft.add_constant(f"{gemm.name}/weight", weights.astype(np.float32)),
        draft.add_constant(f"{gemm.name}/bias", bias.astype(np.float32)),
    )
    draft.replace(gemm, replace(gemm, inputs=(source, *names)))
    draft.remove([node])


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in reversed(graph.nodes):
        operands = _operands(draft, node)
        gemm = _next_gemm(draft, node.outputs[0]) if operands is not None else None
        if operands is not None and gemm is not None:
            _fold(draft, node, gemm, *operands)
    return draft.finish()


FOLD_INTO_NEXT_GEMM = GraphPass("fold into next gemm", _rewrite)
