"""Convolution and pooling along one axis become those of a picture one pixel high.

(N, C, L) is read as (N, C, 1, L) by a Reshape before and after each layer; the Reshapes between
such layers cancel later (`sink_reshapes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["PICTURES_FROM_SERIES"]

_SERIES_RANK = 3
_WEIGHTED = frozenset({"Conv", "ConvTranspose"})
_OPS = _WEIGHTED | {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"}
_ONE = {"kernel_shape": 1, "strides": 1, "dilations": 1, "output_padding": 0, "output_shape": 1}


def _picture_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    wide = dict(attributes)
    for key, value in _ONE.items():
        if wide.get(key):
            wide[key] = (value, *wide[key])
    if wide.get("pads"):
        first, last = wide["pads"]
        wide["pads"] = (0, first, 0, last)
    return wide


def _write(draft: GraphDraft, node: Node) -> None:
    made = Replacement(draft, node)
    inputs = list(node.inputs)
    if node.op in _WEIGHTED:
        weights = draft.constants[node.inputs[1]]
        inputs[1] = made.constant(weights[:, :, None, :], hint="weight")
    batch, channels, length = draft.shape(node.inputs[0])
    inputs[0] = made.reshape(node.inputs[0], (batch, channels, 1, length))
    after = draft.shape(node.outputs[0])
    wide = (*after[:2], 1, after[2])
    picture = made.add(
        node.op, *inputs, shape=wide, attributes=_picture_attributes(node.attributes)
    )
    made.finish_reshape(picture)


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op not in _OPS or len(draft.shape(node.inputs[0])) != _SERIES_RANK:
            continue
        if any(node.outputs[1:]):
            continue
        if node.op not in _WEIGHTED or node.inputs[1] in draft.constants:
            _write(draft, node)
    return draft.finish()


PICTURES_FROM_SERIES = GraphPass("pictures from series", _rewrite)
