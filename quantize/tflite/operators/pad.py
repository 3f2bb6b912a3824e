"""Pad as PAD, PADV2, MIRROR_PAD or GATHER, and the PAD before a window.

Constraints upheld: PAD fills int8 tensors with the zero point, which is the value 0, and keeps the
parameters of its input. PADV2 fills with a constant of the same parameters; XNNPACK does not take
it, so PAD is used wherever the value is 0. MIRROR_PAD (reflect) needs pads shorter than the axis.
Edge and wrap padding pick the cells by GATHER, axis by axis. Negative pads are cut off by SLICE.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.quantized_graph import ActivationParams
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation, TensorSpecification
from quantize.tflite.operators.slicing import constant_values, gather, slice_tensor
from quantize.tflite.padding import Placement
from quantize.tflite.schema import MirrorPadding, TensorType
from quantize.tflite.tensor_forms import quantization
from quantize.uniform import quantize_activation

__all__ = ["emit_pad", "lowest", "pad_image", "pad_operation"]

_PADS, _VALUE, _AXES = 1, 2, 3
_FIVE_AXES = 5
_NHWC = (0, 2, 3, 1)

Pads = Sequence[tuple[int, int]]


def lowest(params: ActivationParams | None) -> float:
    """The smallest value that a tensor of some parameters (None: float32) holds."""
    if params is None:
        return float(np.finfo(np.float32).min)
    return -params.zero_point * float(np.float32(params.scale))


def pad_image(lowering: Lowering, node: Node, placement: Placement, value: float = 0.0) -> int:
    """The first input of a windowed node in NHWC, padded as a placement asks.

    Args:
        lowering: the model under construction.
        node: the reader.
        placement: explicit pads over H and W.
        value: to fill with.

    Returns:
        The padded tensor, in the input's parameters; the input where nothing is added.
    """
    source = lowering.read(node, 0, _NHWC)
    if not placement.needs_pad:
        return source
    pads = ((0, 0), *placement.explicit, (0, 0))
    shape = lowering.builder.tensor(source).shape
    padded = tuple(length + sum(pad) for length, pad in zip(shape, pads, strict=True))
    operation = pad_operation(lowering, source, pads, lowering.kept_params(node), value)
    return lowering.derived(operation, f"{node.inputs[0]}:padded", padded, source)


def emit_pad(lowering: Lowering, node: Node) -> None:
    """Write padding by a constant, by the edge, by reflection or by wrapping around.

    Raises:
        UnsupportedInputError: another mode, or pads that are no constants.
    """
    graph = lowering.graph
    mode = str(node.attributes.get("mode") or "constant")
    order = lowering.order(node.outputs[0])
    rank = len(order)
    named = _onnx_pads(lowering, node, rank)
    pads = [named[axis] for axis in order]
    source = lowering.read(node, 0, order)
    source = _cropped(lowering, source, pads, node.inputs[0])
    pads = [(max(before, 0), max(after, 0)) for before, after in pads]
    kept = lowering.kept_params(node)
    if mode == "constant":
        value = float(constant_values(graph, node, _VALUE, [0.0])[0])
        operation = pad_operation(lowering, source, pads, kept, value)
    elif mode == "reflect":
        operation = _mirrored(lowering, source, pads)
    elif mode in {"edge", "wrap"}:
        operation = _picked(lowering, source, pads, mode)
    else:
        raise UnsupportedInputError(
            f"Pad mode {mode} cannot be written; constant, edge, reflect and wrap can"
        )
    lowering.write(operation, node.outputs[0], kept)


def pad_operation(
    lowering: Lowering, source: int, pads: Pads, params: ActivationParams | None, value: float
) -> Operation:
    """The operation that pads a stored tensor by one value.

    Args:
        lowering: the model under construction.
        source: the tensor.
        pads: (before, after) of every stored axis.
        params: of the tensor; None where it is not int8.
        value: to fill with.
    """
    paddings = lowering.builder.add_int32("paddings", np.asarray(pads, np.int32))
    tensor = lowering.builder.tensor(source)
    version = 2 if tensor.dtype is TensorType.INT8 else 1
    version = 4 if len(pads) >= _FIVE_AXES else version
    fill: NDArray[Any]
    if params is None:
        kind = np.float32 if tensor.dtype is TensorType.FLOAT32 else np.int32
        fill, scale = np.array([value], kind), None
        is_zero = value == 0
    else:
        step = int(quantize_activation(np.float32(value), params)) - 128
        fill, scale = np.array([step], np.int8), quantization(params)
        is_zero = step == params.int8_zero_point
    if is_zero:
        return Operation("PAD", version, (source, paddings), "PadOptions")
    constant = lowering.builder.add_tensor(
        TensorSpecification("fill", (1,), tensor.dtype, scale, fill)
    )
    return Operation("PADV2", version, (source, paddings, constant), "PadV2Options")


def _mirrored(lowering: Lowering, source: int, pads: Pads) -> Operation:
    version = 2 if lowering.builder.tensor(source).dtype is TensorType.INT8 else 1
    paddings = lowering.builder.add_int32("paddings", np.asarray(pads, np.int32))
    options: dict[str, object] = {"mode": int(MirrorPadding.REFLECT)}
    return Operation("MIRROR_PAD", version, (source, paddings), "MirrorPadOptions", options)


def _picked(lowering: Lowering, source: int, pads: Pads, mode: str) -> Operation:
    """Edge and wrap: every padded cell is a cell of the axis."""
    padded = [axis for axis, pad in enumerate(pads) if any(pad)] or [0]
    for position, axis in enumerate(padded):
        tensor = lowering.builder.tensor(source)
        length = tensor.shape[axis]
        cells = np.arange(-pads[axis][0], length + pads[axis][1])
        cells = cells % length if mode == "wrap" else cells.clip(0, length - 1)
        operation = gather(lowering, source, cells.astype(np.int32), axis)
        if position == len(padded) - 1:
            return operation
        shape = (*tensor.shape[:axis], len(cells), *tensor.shape[axis + 1 :])
        source = lowering.derived(operation, f"{tensor.name}:padded", shape, source)
    raise AssertionError


def _cropped(lowering: Lowering, source: int, pads: Pads, name: str) -> int:
    if all(min(pad) >= 0 for pad in pads):
        return source
    shape = lowering.builder.tensor(source).shape
    begin = [max(-before, 0) for before, _ in pads]
    size = [
        length + min(before, 0) + min(after, 0)
        for length, (before, after) in zip(shape, pads, strict=True)
    ]
    operation = slice_tensor(lowering, source, begin, size)
    return lowering.derived(operation, f"{name}:cropped", tuple(size), source)


def _onnx_pads(lowering: Lowering, node: Node, rank: int) -> tuple[tuple[int, int], ...]:
    graph = lowering.graph
    values = [int(value) for value in constant_values(graph, node, _PADS, [0] * (2 * rank))]
    axes = [int(axis) % rank for axis in constant_values(graph, node, _AXES, range(rank))]
    half = len(values) // 2
    named = dict(zip(axes, zip(values[:half], values[half:], strict=True), strict=True))
    return tuple(named.get(axis, (0, 0)) for axis in range(rank))
