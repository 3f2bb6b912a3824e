"""Pad as PAD or PADV2, and the PAD before a window that TFLite's padding cannot express.

Constraints upheld: PAD fills int8 tensors with the zero point, which is the value 0, and keeps the
parameters of its input. PADV2 fills with a constant of the same parameters; XNNPACK does not take
it, so PAD is used wherever the value is 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.quantized_graph import ActivationParams
from quantize.tflite.layout import stored_order
from quantize.tflite.lowering import Lowering, quantization
from quantize.tflite.model_builder import Operation, TensorSpecification
from quantize.tflite.padding import Placement
from quantize.tflite.schema import TensorType
from quantize.uniform import quantize_activation

__all__ = ["LOWEST", "emit_pad", "pad_image"]

LOWEST = -128
_PADS, _VALUE, _AXES = 1, 2, 3


def pad_image(lowering: Lowering, name: str, placement: Placement, fill: int | None = None) -> int:
    """Pad a rank-4 activation as a placement asks.

    Args:
        lowering: the model under construction.
        name: the activation, stored NHWC.
        placement: explicit pads over H and W.
        fill: int8 value; None for the zero point.

    Returns:
        The padded tensor, in the activation's parameters; the activation where nothing is added.
    """
    source = lowering.activation(name)
    if not placement.needs_pad:
        return source
    pads = ((0, 0), *placement.explicit, (0, 0))
    shape = lowering.builder.tensor(source).shape
    padded = tuple(length + sum(pad) for length, pad in zip(shape, pads, strict=True))
    params = lowering.params(name)
    operation = _pad(lowering, source, pads, params, fill)
    return lowering.add_intermediate(operation, f"{name}:padded", padded, params)


def emit_pad(lowering: Lowering, node: Node) -> None:
    """Write constant padding.

    Raises:
        UnsupportedInputError: another mode, negative pads, or pads that are no constants.
    """
    graph = lowering.graph
    mode = str(node.attributes.get("mode") or "constant")
    if mode != "constant":
        raise UnsupportedInputError(f"Pad mode {mode} cannot be written; only constant can")
    source = node.inputs[0]
    rank = len(graph.shape(source))
    pads = _onnx_pads(lowering, node, rank)
    if min(min(pad) for pad in pads) < 0:
        raise UnsupportedInputError(f"its pads {pads} are negative; crop beforehand")
    value = np.float32(_constant(lowering, node, _VALUE, [0.0])[0])
    params = lowering.params(source)
    fill = int(quantize_activation(value, params)) - 128
    stored = tuple(pads[axis] for axis in stored_order(rank))
    operation = _pad(lowering, lowering.activation(source), stored, params, fill)
    lowering.write(operation, node.outputs[0], params)


def _pad(
    lowering: Lowering,
    source: int,
    pads: Sequence[tuple[int, int]],
    params: ActivationParams,
    fill: int | None,
) -> Operation:
    paddings = lowering.builder.add_int32("paddings", np.asarray(pads, np.int32))
    if fill is None or fill == params.int8_zero_point:
        return Operation("PAD", 2, (source, paddings), "PadOptions")
    constant = lowering.builder.add_tensor(
        TensorSpecification(
            "fill", (1,), TensorType.INT8, quantization(params), np.array([fill], np.int8)
        )
    )
    return Operation("PADV2", 2, (source, paddings, constant), "PadV2Options")


def _onnx_pads(lowering: Lowering, node: Node, rank: int) -> tuple[tuple[int, int], ...]:
    values = [int(value) for value in _constant(lowering, node, _PADS, [0] * (2 * rank))]
    axes = [int(axis) % rank for axis in _constant(lowering, node, _AXES, range(rank))]
    half = len(values) // 2
    named = dict(zip(axes, zip(values[:half], values[half:], strict=True), strict=True))
    return tuple(named.get(axis, (0, 0)) for axis in range(rank))


def _constant(
    lowering: Lowering, node: Node, position: int, default: Sequence[float]
) -> Sequence[float]:
    name = node.inputs[position] if len(node.inputs) > position else ""
    if not name:
        return default
    if name not in lowering.graph.constants:
        raise UnsupportedInputError(f"its input {name} is not a constant; fold it beforehand")
    values: list[float] = lowering.graph.constants[name].reshape(-1).tolist()
    return values
