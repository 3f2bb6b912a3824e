"""A Pad before a Conv or MaxPool becomes part of its pads, where that is exact.

Exact means: zeros before a Conv, and -infinity before a MaxPool.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["MERGE_PAD"]

_NEUTRAL = {"Conv": 0.0, "MaxPool": -np.inf}


def _pad_value(draft: GraphDraft, pad: Node) -> float:
    name = pad.inputs[2] if len(pad.inputs) > len(("data", "pads")) else ""
    return float(draft.constants[name].reshape(-1)[0]) if name else 0.0


def _merged(draft: GraphDraft, pad: Node, node: Node) -> Node | None:
    if pad.attributes.get("mode", "constant") != "constant":
        return None
    pads = [int(each) for each in draft.constants[pad.inputs[1]]]
    rank = len(pads) // 2
    outer = pads[:2] + pads[rank : rank + 2]
    if node.op not in _NEUTRAL or any(outer) or min(pads) < 0:
        return None
    if _pad_value(draft, pad) != _NEUTRAL[node.op]:
        return None
    added = pads[2:rank] + pads[rank + 2 :]
    total = tuple(int(a + b) for a, b in zip(added, node.attributes["pads"], strict=True))
    if node.op == "MaxPool":
        kernel = tuple(node.attributes["kernel_shape"]) * 2
        if any(amount >= size for amount, size in zip(total, kernel, strict=True)):
            return None
    inputs = (pad.inputs[0], *node.inputs[1:])
    return replace(node, inputs=inputs, attributes={**node.attributes, "pads": total})


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for original in graph.nodes:
        if original.op != "Pad" or original.inputs[1] not in draft.constants:
            continue
        pad = draft.producer(original.outputs[0])
        if pad is None:
            continue
        if not draft.constants[pad.inputs[1]].any() and draft.bypass(pad):
            continue
        readers = draft.consumers(pad.outputs[0])
        if not draft.is_private(pad.outputs[0]):
            continue
        merged = _merged(draft, pad, readers[0])
        if merged is not None:
            draft.replace(readers[0], merged)
            draft.remove([pad])
    return draft.finish()


MERGE_PAD = GraphPass("merge pad", _rewrite)
