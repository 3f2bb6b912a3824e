"""Conv and pooling get explicit kernel_shape, strides, dilations and pads.

`auto_pad` becomes pads (the SAME rule of ONNX: the smallest padding that gives
ceil(size / stride) positions). `ceil_mode` becomes padding at the end: exact for MaxPool (whose
padding never wins) and for AveragePool that leaves padding out of its count. AveragePool that
counts its padding becomes Pad and AveragePool without.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["EXPLICIT_PADDING"]

_WINDOWED = frozenset({"Conv", "MaxPool", "AveragePool"})
_FORGOTTEN = ("auto_pad", "ceil_mode", "count_include_pad")


def _pads(draft: GraphDraft, node: Node, window: dict[str, tuple[int, ...]]) -> list[int]:
    sizes, results = draft.shape(node.inputs[0])[2:], draft.shape(node.outputs[0])[2:]
    begin, end = [], []
    rank = len(sizes)
    stated = tuple(node.attributes.get("pads", (0,) * (2 * rank)))
    auto = node.attributes.get("auto_pad", "NOTSET")
    for axis, (size, positions) in enumerate(zip(sizes, results, strict=True)):
        extent = (window["kernel_shape"][axis] - 1) * window["dilations"][axis] + 1
        reach = (positions - 1) * window["strides"][axis] + extent
        if auto in {"SAME_UPPER", "SAME_LOWER"}:
            total = max(reach - size, 0)
            first = total // 2 if auto == "SAME_UPPER" else total - total // 2
            begin.append(first)
            end.append(total - first)
        elif auto == "VALID":
            begin.append(0)
            end.append(0)
        else:
            begin.append(int(stated[axis]))
            end.append(max(int(stated[rank + axis]), reach - size - int(stated[axis])))
    return begin + end


def _window(draft: GraphDraft, node: Node) -> dict[str, tuple[int, ...]]:
    kernel = node.attributes.get("kernel_shape") or draft.shape(node.inputs[1])[2:]
    ones = (1,) * len(kernel)
    return {
        "kernel_shape": tuple(int(each) for each in kernel),
        "strides": tuple(node.attributes.get("strides") or ones),
        "dilations": tuple(node.attributes.get("dilations") or ones),
    }


def _counted_padding(draft: GraphDraft, node: Node, pads: list[int]) -> list[Node]:
    half = len(pads) // 2
    full = np.array([0, 0, *pads[:half], 0, 0, *pads[half:]], dtype=np.int64)
    shape = draft.shape(node.inputs[0])
    grown = tuple(int(size) for size in np.array(shape) + full[: len(shape)] + full[len(shape) :])
    padded = draft.add_tensor(f"{node.name}/padded", grown)
    amounts = draft.add_constant(f"{node.name}/pads", full)
    pad = Node(
        "Pad", (node.inputs[0], amounts), (padded,), {"mode": "constant"}, f"{node.name}/pad"
    )
    attributes = {**node.attributes, "pads": (0,) * len(pads)}
    return [pad, replace(node, inputs=(padded,), attributes=attributes)]


def _explicit(draft: GraphDraft, node: Node) -> list[Node]:
    window = _window(draft, node)
    pads = _pads(draft, node, window)
    is_counted = bool(node.attributes.get("count_include_pad", 0)) and any(pads)
    stated = list(node.attributes.get("pads", pads))
    if is_counted and pads != stated:
        return [node]  # ceil_mode beyond counted padding: left for the operator to refuse
    kept: dict[str, Any] = {
        key: value for key, value in node.attributes.items() if key not in _FORGOTTEN
    }
    if node.op == "AveragePool" and set(window["dilations"]) == {1}:
        del window["dilations"]  # unknown to AveragePool before opset 19
        kept.pop("dilations", None)
    changed = replace(node, attributes={**kept, **window, "pads": tuple(pads)})
    return _counted_padding(draft, changed, pads) if is_counted else [changed]


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op in _WINDOWED:
            draft.replace(node, *_explicit(draft, node))
    return draft.finish()


EXPLICIT_PADDING = GraphPass("explicit padding", _rewrite)
