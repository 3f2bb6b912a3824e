"""MatMul with a constant matrix, and the Add of a constant after it, become Gemm.

Leading axes beyond one are folded into the rows by Reshape before and after.
"""

from __future__ import annotations

from math import prod

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["MATMUL_TO_GEMM"]

_MATRIX_RANK = 2


def _following_bias(draft: GraphDraft, node: Node) -> tuple[Node, str] | None:
    """The Add of one constant a column that is the only reader of the product."""
    if not draft.is_private(node.outputs[0]):
        return None
    after = draft.consumers(node.outputs[0])[0]
    if after.op != "Add":
        return None
    operand = after.inputs[1] if after.inputs[0] == node.outputs[0] else after.inputs[0]
    columns = draft.shape(node.outputs[0])[-1]
    if operand not in draft.constants or draft.constants[operand].size not in {1, columns}:
        return None
    values = draft.constants[operand]
    if values.size != 1 and values.shape[-1] != columns:
        return None
    bias = np.broadcast_to(draft.constants[operand].reshape(-1), (columns,)).copy()
    return after, draft.add_constant(f"{node.name}/bias", bias)


def _rewrite_one(draft: GraphDraft, node: Node) -> None:
    source, target = node.inputs[0], node.outputs[0]
    weights = draft.constants[node.inputs[1]]
    transposed = draft.add_constant(f"{node.name}/weight", np.ascontiguousarray(weights.T))
    inputs = [source, transposed]
    bias = _following_bias(draft, node)
    if bias is not None:
        draft.remove([bias[0]])
        inputs.append(bias[1])
        target = bias[0].outputs[0]
    shape = draft.shape(source)
    if len(shape) == _MATRIX_RANK:
        draft.replace(node, Node("Gemm", tuple(inputs), (target,), {"transB": 1}, node.name))
        return
    rows = prod(shape[:-1])
    flat = draft.add_tensor(f"{node.name}/rows", (rows, shape[-1]))
    product = draft.add_tensor(f"{node.name}/product", (rows, weights.shape[1]))
    before = draft.add_constant(f"{node.name}/rows_shape", np.array((rows, shape[-1]), np.int64))
    after = draft.add_constant(f"{node.name}/target_shape", np.array(draft.shape(target), np.int64))
    draft.replace(
        node,
        Node("Reshape", (source, before), (flat,), {}, f"{node.name}/to_rows"),
        Node("Gemm", (flat, *inputs[1:]), (product,), {"transB": 1}, node.name),
        Node("Reshape", (product, after), (target,), {}, f"{node.name}/from_rows"),
    )


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op != "MatMul" or node.inputs[1] not in draft.constants:
            continue
        is_matrix = draft.constants[node.inputs[1]].ndim == _MATRIX_RANK
        if is_matrix and len(draft.shape(node.inputs[0])) >= _MATRIX_RANK:
            _rewrite_one(draft, node)
    return draft.finish()


MATMUL_TO_GEMM = GraphPass("matmul to gemm", _rewrite, {"MatMul": "Gemm"})
