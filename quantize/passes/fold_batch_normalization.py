"""BatchNormalization at inference is folded into the Conv or Gemm before it.

With y = (x - mean) * gamma / sqrt(variance + epsilon) + beta, the layer before is scaled by
gamma / sqrt(variance + epsilon) channel by channel (Jacob et al. 2018, section 3.2). Where
nothing before can take it (after a Concat, as in DenseNet), it becomes a depthwise 1 x 1 Conv, or,
where the input is no picture, a Mul and an Add.
"""

from __future__ import annotations

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.channel_affine import (
    Channels,
    affine_host,
    fold_into_host,
    pointwise_depthwise_conv,
)
from quantize.passes.replacement import Replacement

__all__ = ["FOLD_BATCH_NORMALIZATION", "is_inference", "scale_and_shift"]

_PICTURE_RANK = 4


def is_inference(draft: GraphDraft, node: Node) -> bool:
    """Whether a BatchNormalization only scales and shifts, by constants."""
    if node.attributes.get("training_mode", 0) or any(node.outputs[1:]):
        return False
    return all(name in draft.constants for name in node.inputs[1:])


def scale_and_shift(draft: GraphDraft, node: Node) -> tuple[Channels, Channels]:
    """What a BatchNormalization multiplies with and adds, one value a channel."""
    gamma, beta, mean, variance = (
        draft.constants[name].astype(np.float64) for name in node.inputs[1:5]
    )
    scale = gamma / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
    return scale, beta - mean * scale


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op != "BatchNormalization" or not is_inference(draft, node):
            continue
        scale, shift = scale_and_shift(draft, node)
        host = affine_host(draft, node.inputs[0])
        if host is not None:
            fold_into_host(draft, node, host, scale=scale, shift=shift)
        elif len(draft.shape(node.inputs[0])) == _PICTURE_RANK:
            pointwise_depthwise_conv(draft, node, node.inputs[0], scale=scale, shift=shift)
        else:
            column = (-1,) + (1,) * max(len(draft.shape(node.inputs[0])) - 2, 0)
            made = Replacement(draft, node)
            factor = made.constant(scale.reshape(column), hint="scale")
            scaled = made.add("Mul", node.inputs[0], factor)
            made.finish("Add", scaled, made.constant(shift.reshape(column), hint="shift"))
    return draft.finish()


FOLD_BATCH_NORMALIZATION = GraphPass(
    "fold batch normalization",
    _rewrite,
    {
        "BatchNormalization": "Conv Mul Add",
    },
)
