"""A scale and shift of each channel before a Conv goes into it, where that is exact.

It is exact where the Conv has no padding, or the shift is 0: padding stands for 0 after the shift.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["FOLD_INTO_NEXT_CONVOLUTION"]


def _is_affine(draft: GraphDraft, node: Node) -> bool:
    """Whether a Conv is a depthwise 1 x 1, which only scales and shifts."""
    if node.op != "Conv" or not all(
        not name or name in draft.constants for name in node.inputs[1:]
    ):
        return False
    weights = draft.constants[node.inputs[1]]
    is_pointwise = weights.shape[1:] == (1, 1, 1) and not any(node.attributes.get("pads", ()))
    channels = draft.shape(node.inputs[0])[1]
    is_depthwise = int(node.attributes.get("group", 1)) == channels == len(weights)
    return is_pointwise and is_depthwise and set(node.attributes.get("strides", (1,))) == {1}


def _next_layer(draft: GraphDraft, name: str) -> Node | None:
    if not draft.is_private(name):
        return None
    node = draft.consumers(name)[0]
    is_plain = node.op == "Conv" and node.inputs[0] == name
    is_constant = all(not each or each in draft.constants for each in node.inputs[1:])
    return node if is_plain and is_constant else None


def _fold(draft: GraphDraft, affine: Node, layer: Node) -> bool:
    scale = draft.constants[affine.inputs[1]].reshape(-1).astype(np.float64)
    shift = np.zeros_like(scale)
    if affine.inputs[2:] and affine.inputs[2]:
        shift = draft.constants[affine.inputs[2]].astype(np.float64)
    if shift.any() and any(layer.attributes.get("pads", ())):
        return False
    weights = draft.constants[layer.inputs[1]].astype(np.float64)
    outputs, depth = weights.shape[:2]
    group = int(layer.attributes.get("group", 1))
    # the input channels that each output channel reads
    first = np.arange(outputs) // (outputs // group) * depth
    channels = first[:, None] + np.arange(depth)
    column = (outputs, depth) + (1,) * (weights.ndim - 2)
    bias = np.zeros(outputs)
    if layer.inputs[2:] and layer.inputs[2]:
        bias = draft.constants[layer.inputs[2]].astype(np.float64)
    spatial = tuple(range(1, weights.ndim))
    bias = bias + (weights * shift[channels].reshape(column)).sum(axis=spatial)
    scaled = weights * scale[channels].reshape(column)
    names = (
        draft.add_constant(f"{layer.name}/weight", scaled.astype(np.float32)),
        draft.add_constant(f"{layer.name}/bias", bias.astype(np.float32)),
    )
    draft.replace(layer, replace(layer, inputs=(affine.inputs[0], *names)))
    draft.remove([affine])
    return True


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for stale in graph.nodes:
        node = draft.producer(stale.outputs[0])
        if node is None or not _is_affine(draft, node):
            continue
        layer = _next_layer(draft, node.outputs[0])
        if layer is not None:
            _fold(draft, node, layer)
    return draft.finish()


FOLD_INTO_NEXT_CONVOLUTION = GraphPass("fold into next convolution", _rewrite)
