"""Gemm gets weights [out, in], alpha = beta = 1 and a bias of one value a column."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["CANONICAL_GEMM"]


def _canonical(draft: GraphDraft, node: Node) -> Node:
    weights = draft.constants[node.inputs[1]]
    if not node.attributes.get("transB", 0):
        weights = weights.T
    weights = weights * np.float32(node.attributes.get("alpha", 1.0))
    inputs = [
        node.inputs[0],
        draft.add_constant(f"{node.name}/weight", np.ascontiguousarray(weights)),
    ]
    if node.inputs[2:] and node.inputs[2]:
        columns = len(weights)
        addend = draft.constants[node.inputs[2]] * np.float32(node.attributes.get("beta", 1.0))
        bias = np.broadcast_to(addend.reshape(-1), (columns,)).copy()
        inputs.append(draft.add_constant(f"{node.name}/bias", bias))
    attributes = {"transA": node.attributes.get("transA", 0), "transB": 1}
    return replace(node, inputs=tuple(inputs), attributes=attributes)


def _can_be_canonical(draft: GraphDraft, node: Node) -> bool:
    if any(name and name not in draft.constants for name in node.inputs[1:]):
        return False
    if not (node.inputs[2:] and node.inputs[2]):
        return True
    columns = draft.shape(node.outputs[0])[1]
    return draft.constants[node.inputs[2]].size in {1, columns}


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op == "Gemm" and _can_be_canonical(draft, node):
            draft.replace(node, _canonical(draft, node))
    return draft.finish()


CANONICAL_GEMM = GraphPass("canonical gemm", _rewrite)
