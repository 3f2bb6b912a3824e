"""A Transpose before a flattening that only Gemms read goes into their weights.

Channels-last exports flatten (H, W, C); in (C, H, W) the same numbers come in another order, which
is an order of the columns of the weights.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.moves import move_of

__all__ = ["FLATTEN_BEFORE_GEMM"]

_MATRIX_RANK = 2


def _gemms(draft: GraphDraft, name: str) -> list[Node]:
    """The readers of a tensor where all are Gemms that multiply it by constants."""
    readers = draft.consumers(name)
    is_plain = name not in draft.outputs and all(
        node.op == "Gemm"
        and node.inputs[0] == name
        and node.inputs[1] in draft.constants
        and node.attributes.get("transB", 0)
        and not node.attributes.get("transA", 0)
        for node in readers
    )
    return readers if is_plain else []


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for stale in graph.nodes:
        if stale.op != "Reshape":
            continue
        node = draft.producer(stale.outputs[0])
        turn = draft.producer(node.inputs[0]) if node is not None else None
        move = move_of(draft, turn) if turn is not None else None
        if node is None or turn is None or move is None or move.permutation is None:
            continue
        after = draft.shape(node.outputs[0])
        if len(after) != _MATRIX_RANK or after[0] != move.after[0] or move.permutation[0] != 0:
            continue
        gemms = _gemms(draft, node.outputs[0])
        if not gemms:
            continue
        order = np.arange(after[1]).reshape(move.after[1:])
        back = np.argsort(move.permutation[1:])
        columns = np.transpose(order, back).reshape(-1)
        for gemm in gemms:
            weights = draft.constants[gemm.inputs[1]][:, columns]
            name = draft.add_constant(f"{gemm.name}/columns", np.ascontiguousarray(weights))
            draft.replace(gemm, replace(gemm, inputs=(gemm.inputs[0], name, *gemm.inputs[2:])))
        draft.replace(node, replace(node, inputs=(turn.inputs[0], *node.inputs[1:])))
    return draft.finish()


FLATTEN_BEFORE_GEMM = GraphPass("flatten before gemm", _rewrite)
