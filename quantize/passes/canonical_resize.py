"""Resize (and Upsample's heirs) to a static size: sizes where the scale is exact, else scales.

Axes that keep their size need no sampling; `axes`, `roi` and the policies of later opsets are
gone. Resize of a series (one spatial axis) is that of a picture one pixel high.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_RESIZE"]

_SCALES, _SIZES = 2, 3
_SERIES_RANK = 3
_KEPT = (
    "mode",
    "coordinate_transformation_mode",
    "nearest_mode",
    "cubic_coeff_a",
    "exclude_outside",
    "antialias",
    "extrapolation_value",
)


def _scales(draft: GraphDraft, node: Node) -> NDArray[np.float32] | None:
    """One scale an axis where the node gives scales; None where it gives sizes."""
    rank = len(draft.shape(node.inputs[0]))
    name = node.inputs[_SCALES] if len(node.inputs) > _SCALES else ""
    if not name or not draft.constants[name].size:
        return None
    axes = [int(axis) % rank for axis in node.attributes.get("axes", range(rank))]
    scales = np.ones(rank, np.float32)
    scales[axes] = draft.constants[name].reshape(-1)
    return scales


def _canonical(draft: GraphDraft, node: Node) -> None:
    source = node.inputs[0]
    before, after = draft.shape(source), draft.shape(node.outputs[0])
    scales = _scales(draft, node)
    attributes: dict[str, Any] = {
        key: value for key, value in node.attributes.items() if key in _KEPT
    }
    if not attributes.get("antialias", 0):
        attributes.pop("antialias", None)
    made = Replacement(draft, node)
    is_exact = scales is None or np.array_equal(
        np.array(after, np.float32), np.array(before, np.float32) * scales
    )
    target: NDArray[Any] = np.array(after, np.int64) if is_exact else np.asarray(scales)
    is_series = len(before) == _SERIES_RANK
    if is_series:
        source = made.reshape(source, (*before[:2], 1, before[2]))
        target = np.insert(target, 2, 1)
    name = made.constant(target, target.dtype, "sizes" if is_exact else "scales")
    inputs = (source, "", "", name) if is_exact else (source, "", name)
    if is_series:
        wide = (*after[:2], 1, after[2])
        made.finish_reshape(made.add("Resize", *inputs, shape=wide, attributes=attributes))
    else:
        made.finish("Resize", *inputs, attributes=attributes)


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op != "Resize" or any(
            name and name not in draft.constants for name in node.inputs[1:]
        ):
            continue
        if node.attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize":
            refused = replace(node, op="Resize (tf_crop_and_resize)")
            draft.replace(node, refused)
            continue
        if draft.shape(node.inputs[0]) == draft.shape(node.outputs[0]):
            Replacement(draft, node).finish("Identity", node.inputs[0])
        else:
            _canonical(draft, node)
    return draft.finish()


CANONICAL_RESIZE = GraphPass("canonical resize", _rewrite)
