"""Resize (and Upsample) of images as RESIZE_NEAREST_NEIGHBOR, GATHER or RESIZE_BILINEAR.

Nearest: every output cell is an input cell, whichever rule of ONNX picks it. Where one of TFLite's
three rules picks the same cells RESIZE_NEAREST_NEIGHBOR is written, otherwise a GATHER an axis.
Linear: RESIZE_BILINEAR where one of its three rules gives the same coordinates; the import has
written others out (`quantize.passes.canonical_resize`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import FloatGraph, Node
from quantize.resize_coordinates import (
    ONNX_COORDINATES,
    TFLITE_COORDINATES,
    Coordinates,
    ResizedAxis,
    TfliteRule,
    linear_tflite_rule,
    resized_axes,
)
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.slicing import gather
from quantize.tflite.orders import NHWC
from quantize.tflite.schema import TensorType

__all__ = ["emit_resize"]

_NEAREST: Mapping[str, Callable[[Coordinates], Coordinates]] = {
    "ceil": np.ceil,
    "floor": np.floor,
    "round_prefer_ceil": lambda cells: np.floor(cells + 0.5),
    "round_prefer_floor": lambda cells: np.ceil(cells - 0.5),
}


def emit_resize(lowering: Lowering, node: Node) -> None:
    """Write a change of height and width.

    Raises:
        UnsupportedInputError: cubic, cropped, or a coordinate rule that is not known.
    """
    mode = str(node.attributes.get("mode") or "nearest")
    rule = str(node.attributes.get("coordinate_transformation_mode") or "half_pixel")
    if node.op == "Upsample":
        rule = "asymmetric"
    if mode not in {"nearest", "linear"} or rule not in ONNX_COORDINATES:
        raise UnsupportedInputError(
            f"Resize {mode} with {rule} cannot be written; nearest and linear with "
            f"{', '.join(ONNX_COORDINATES)} can"
        )
    axes = _axes(lowering.graph, node)
    coordinates = [ONNX_COORDINATES[rule](axis) for axis in axes]
    if mode == "nearest":
        rounding = "floor" if node.op == "Upsample" else "round_prefer_floor"
        rounding = str(node.attributes.get("nearest_mode") or rounding)
        cells = [
            _NEAREST[rounding](np.round(each, 9)).clip(0, axis.before - 1).astype(np.int32)
            for each, axis in zip(coordinates, axes, strict=True)
        ]
        _write_nearest(lowering, node, axes, cells)
    else:
        _write_linear(lowering, node, axes, coordinates)


def _axes(graph: FloatGraph, node: Node) -> list[ResizedAxis]:
    before, after = graph.shape(node.inputs[0]), graph.shape(node.outputs[0])
    position = 1 if node.op == "Upsample" else 2
    name = node.inputs[position] if len(node.inputs) > position else ""
    return resized_axes(before, after, graph.constants.get(name, np.zeros(0)))


def _write_nearest(
    lowering: Lowering, node: Node, axes: list[ResizedAxis], cells: list[NDArray[np.int32]]
) -> None:
    kept = lowering.kept_params(node)
    for rule in TFLITE_COORDINATES:
        theirs = [_tflite_nearest(axis, rule) for axis in axes]
        if all(np.array_equal(mine, other) for mine, other in zip(cells, theirs, strict=True)):
            operation = _resize(lowering, node, "RESIZE_NEAREST_NEIGHBOR", axes, rule)
            lowering.write(operation, node.outputs[0], kept)
            return
    source = lowering.read(node, 0, NHWC)
    shape = lowering.builder.tensor(source).shape
    rows = lowering.derived(
        gather(lowering, source, cells[0], 1),
        f"{node.outputs[0]}:rows",
        (shape[0], axes[0].after, *shape[2:]),
        source,
    )
    lowering.write(gather(lowering, rows, cells[1], 2), node.outputs[0], kept)


def _tflite_nearest(axis: ResizedAxis, rule: TfliteRule) -> NDArray[np.int32]:
    """TFLite computes in float32 and takes the floor, or for aligned corners rounds."""
    aligned, half = rule
    cells = axis.cells.astype(np.float32)
    if aligned and axis.after > 1:
        scale = np.float32(axis.before - 1) / np.float32(axis.after - 1)
    else:
        scale = np.float32(axis.before) / np.float32(axis.after)
    found = (cells + np.float32(0.5 if half else 0)) * scale
    found = np.floor(found + np.float32(0.5)) if aligned else np.floor(found)
    return np.asarray(found.clip(0, axis.before - 1), np.int32)


def _write_linear(
    lowering: Lowering, node: Node, axes: list[ResizedAxis], coordinates: list[Coordinates]
) -> None:
    rule = linear_tflite_rule(axes, coordinates)
    if rule is None:
        raise UnsupportedInputError(
            "Resize linear with these scales has coordinates that TFLite has not; "
            "export with a size in place of scales"
        )
    operation = _resize(lowering, node, "RESIZE_BILINEAR", axes, rule)
    lowering.write(operation, node.outputs[0], lowering.kept_params(node))


def _resize(
    lowering: Lowering, node: Node, code: str, axes: list[ResizedAxis], rule: TfliteRule
) -> Operation:
    source = lowering.read(node, 0, NHWC)
    size = lowering.builder.add_int32("size", [axis.after for axis in axes])
    is_int8 = lowering.builder.tensor(source).dtype is TensorType.INT8
    version = 2 if is_int8 else 1
    if rule[1] or (rule[0] and code == "RESIZE_NEAREST_NEIGHBOR"):
        version = 3
    table = "ResizeBilinearOptions" if code == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    options: dict[str, object] = {"alignCorners": rule[0], "halfPixelCenters": rule[1]}
    return Operation(code, version, (source, size), table, options)
