"""Linear Resize whose cells lie where no rule of TFLite puts them -> what it computes.

Along each axis: the two neighbours of every cell, weighed by how near they are (ONNX's operator
specification of Resize, mode linear). TFLite's RESIZE_BILINEAR knows no scale that differs from the
ratio of the sizes.
"""

from __future__ import annotations

import numpy as np

from quantize.graph import Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass, rewriting
from quantize.passes.replacement import Replacement
from quantize.resize_coordinates import (
    ONNX_COORDINATES,
    Coordinates,
    clipped,
    linear_tflite_rule,
    resized_axes,
)

__all__ = ["DECOMPOSE_RESIZE"]

_ROWS = 2
"""The first spatial axis of a picture."""


def _write_out(draft: GraphDraft, node: Node) -> None:
    rule = str(node.attributes.get("coordinate_transformation_mode") or "half_pixel")
    before, after = draft.shape(node.inputs[0]), draft.shape(node.outputs[0])
    is_plain = before[:_ROWS] == after[:_ROWS] and not node.attributes.get("antialias", 0)
    if node.attributes.get("mode") != "linear" or rule not in ONNX_COORDINATES or not is_plain:
        return
    stated = next((draft.constants[name] for name in node.inputs[1:] if name), np.zeros(0))
    axes = resized_axes(before, after, stated if stated.dtype.kind == "f" else np.zeros(0))
    coordinates = [ONNX_COORDINATES[rule](axis) for axis in axes]
    if linear_tflite_rule(axes, coordinates) is not None:
        return
    made = Replacement(draft, node)
    current = node.inputs[0]
    for at, (axis, cells) in enumerate(zip(axes, coordinates, strict=True), start=_ROWS):
        if axis.before != axis.after:
            current = _interpolate(made, draft, current, at, clipped(cells, axis))
    made.finish("Identity", current)


def _interpolate(
    made: Replacement, draft: GraphDraft, source: str, at: int, cells: Coordinates
) -> str:
    """The tensor at positions between its own along one axis."""
    shape = draft.shape(source)
    below = np.floor(cells).astype(np.int64)
    above = np.minimum(below + 1, shape[at] - 1)
    share = (cells - below).reshape(-1, *(1,) * (len(shape) - 1 - at))
    parts = []
    for positions, weight in ((below, 1.0 - share), (above, share)):
        picked = made.add(
            "Gather",
            source,
            made.constant(positions, np.int64, "positions"),
            shape=(*shape[:at], len(positions), *shape[at + 1 :]),
            attributes={"axis": at},
        )
        parts.append(made.add("Mul", picked, made.constant(weight, np.float32, "weights")))
    return made.add("Add", *parts)


DECOMPOSE_RESIZE = GraphPass(
    "decompose resize", rewriting({"Resize": _write_out}), {"Resize": "Resize Gather Mul Add"}
)
