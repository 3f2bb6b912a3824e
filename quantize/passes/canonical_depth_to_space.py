"""DepthToSpace in mode CRD (PyTorch's pixel shuffle) becomes mode DCR.

The two differ in the order of the channels, which the Conv before can give out in the other
order. Where there is none, Reshape and Transpose say it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.channel_affine import affine_host
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_DEPTH_TO_SPACE"]

_PICTURE_RANK = 4


def _write(draft: GraphDraft, node: Node) -> None:
    source = node.inputs[0]
    batch, channels, height, width = draft.shape(source)
    block = int(node.attributes["blocksize"])
    kept = channels // block**2
    host = affine_host(draft, source)
    if host is None or host.op != "Conv" or int(host.attributes.get("group", 1)) != 1:
        made = Replacement(draft, node)
        apart = made.reshape(source, (batch, kept, block, block, height, width))
        made.finish_reshape(made.transpose(apart, (0, 1, 4, 2, 5, 3)))
        return
    order = np.arange(channels).reshape(kept, block**2).T.reshape(-1)
    parameters = [
        draft.add_constant(f"{host.name}/reordered", draft.constants[name][order])
        for name in host.inputs[1:]
        if name
    ]
    draft.replace(host, replace(host, inputs=(host.inputs[0], *parameters)))
    draft.replace(node, replace(node, attributes={"blocksize": block, "mode": "DCR"}))


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        is_picture = node.op == "DepthToSpace" and len(draft.shape(node.inputs[0])) == _PICTURE_RANK
        if is_picture and node.attributes.get("mode", "DCR") == "CRD":
            _write(draft, node)
    return draft.finish()


CANONICAL_DEPTH_TO_SPACE = GraphPass("canonical depth to space", _rewrite)
