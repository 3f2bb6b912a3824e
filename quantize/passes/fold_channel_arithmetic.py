"""Add and Mul of one constant a channel are folded into the layer before, or become a Conv."""

from __future__ import annotations

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.channel_affine import (
    Channels,
    affine_host,
    channel_vector,
    fold_into_host,
    pointwise_depthwise_conv,
)

__all__ = ["FOLD_CHANNEL_ARITHMETIC"]

_PICTURE_RANK = 4


def _operands(draft: GraphDraft, node: Node) -> tuple[str, Channels] | None:
    """The activation and the constant, one value a channel, of an Add or Mul."""
    for source, constant in (node.inputs, node.inputs[::-1]):
        shape = draft.shape(node.outputs[0])
        if constant not in draft.constants or draft.shape(source) != shape:
            continue
        if source not in draft.constants and len(shape) > 1:
            vector = channel_vector(draft.constants[constant], shape)
            return None if vector is None else (source, vector)
    return None


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        operands = _operands(draft, node) if node.op in {"Add", "Mul"} else None
        if operands is None:
            continue
        source, vector = operands
        scale = vector if node.op == "Mul" else np.ones_like(vector)
        shift = vector if node.op == "Add" else np.zeros_like(vector)
        host = affine_host(draft, source)
        is_varied = bool((vector != vector[0]).any())
        if host is not None:
            fold_into_host(draft, node, host, scale=scale, shift=shift)
        elif is_varied and len(draft.shape(source)) == _PICTURE_RANK:
            pointwise_depthwise_conv(draft, node, source, scale=scale, shift=shift)
    return draft.finish()


FOLD_CHANNEL_ARITHMETIC = GraphPass("fold channel arithmetic", _rewrite)
