"""Normalization by stored statistics, by a layer's own, and by constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.onnx_graph import Tensor

__all__ = ["NORMALIZATION_LAYERS"]

_SMALLEST_DEVIATION = 1e-7
"""What Keras' Normalization divides by at least."""


def _axis(call: LayerCall, default: int = -1) -> int:
    value = call.option("axis", default)
    if isinstance(value, list):
        if len(value) != 1:
            raise call.refuse(f"axis {value}; one axis is supported")
        value = value[0]
    return int(value) % call.input.rank


def _write_batch_normalization(call: LayerCall) -> Tensor:
    graph, tensor = call.graph, call.input
    axis = _axis(call)
    size = tensor.shape[axis]
    kinds = [
        ("gamma", bool(call.option("scale", True)), 1.0),
        ("beta", bool(call.option("center", True)), 0.0),
        ("moving mean", True, 0.0),
        ("moving variance", True, 1.0),
    ]
    values: list[NDArray[np.float32]] = []
    at = 0
    for name, is_stored, default in kinds:
        values.append(
            call.weight(at, (size,), name) if is_stored else np.full(size, default, np.float32)
        )
        at += is_stored
    constants = [
        graph.constant(each, name) for each, (name, _, _) in zip(values, kinds, strict=True)
    ]
    order = [0, axis, *(each for each in range(1, tensor.rank) if each != axis)]
    moved = graph.transpose(tensor, order)
    normal = graph.add(
        "BatchNormalization", moved, *constants, epsilon=call.number("epsilon", 1e-3)
    )
    return graph.transpose(normal, [int(each) for each in np.argsort(order)])


def _write_layer_normalization(call: LayerCall) -> Tensor:
    graph, tensor = call.graph, call.input
    value = call.option("axis", -1)
    axes = sorted(
        int(each) % tensor.rank for each in (value if isinstance(value, list) else [value])
    )
    if axes != list(range(axes[0], tensor.rank)):
        raise call.refuse(f"axes {value}; the last axes are supported")
    if call.option("rms_scaling"):
        raise call.refuse("rms_scaling is not supported")
    shape = tensor.shape[axes[0] :]
    has_scale = bool(call.option("scale", True))
    scale = call.weight(0, shape, "gamma") if has_scale else np.ones(shape, np.float32)
    has_shift = bool(call.option("center", True))
    shift = (
        graph.constant(call.weight(int(has_scale), shape, "beta"), "beta") if has_shift else None
    )
    return graph.add(
        "LayerNormalization",
        tensor,
        graph.constant(scale, "gamma"),
        shift,
        axis=axes[0],
        epsilon=call.number("epsilon", 1e-3),
    )


def _write_rescaling(call: LayerCall) -> Tensor:
    graph, tensor = call.graph, call.input
    if tensor.dtype != "float32":
        raise call.refuse(f"an input of type {tensor.dtype}; give the model a float input")
    scale, offset = (_numbers(call.option(name, default)) for name, default in _RESCALING)
    tensor = graph.add("Mul", tensor, graph.constant(scale, "scale"))
    return graph.add("Add", tensor, graph.constant(offset, "offset")) if offset.any() else tensor


_RESCALING = (("scale", 1.0), ("offset", 0.0))


def _numbers(value: Any) -> NDArray[np.float32]:
    """A number or numbers, plain or as Keras 3 serializes a numpy array."""
    if isinstance(value, dict):
        value = value.get("config", {}).get("value", 0.0)
    return np.asarray(value, np.float32)


def _write_normalization(call: LayerCall) -> Tensor:
    """(x - mean) / max(standard deviation, 1e-7), or back with `invert`."""
    graph, tensor = call.graph, call.input
    axis = call.option("axis", -1)
    axes = [] if axis is None else [axis] if isinstance(axis, int) else list(axis)
    kept = sorted(int(each) % tensor.rank for each in axes)
    shape = tuple(tensor.shape[each] for each in kept)
    if call.option("mean") is None:
        mean, variance = (call.weight(at, shape, _STATISTICS[at]) for at in range(2))
    else:
        mean, variance = (
            np.broadcast_to(_numbers(call.option(name)).squeeze(), shape) for name in _STATISTICS
        )
    full = [tensor.shape[at] if at in kept else 1 for at in range(tensor.rank)]
    deviation = np.maximum(np.sqrt(variance), _SMALLEST_DEVIATION).reshape(full)
    mean = mean.reshape(full)
    if call.option("invert"):
        scaled = graph.add("Mul", tensor, graph.constant(deviation, "deviation"))
        return graph.add("Add", scaled, graph.constant(mean, "mean"))
    shifted = graph.add("Sub", tensor, graph.constant(mean, "mean"))
    return graph.add("Div", shifted, graph.constant(deviation, "deviation"))


_STATISTICS = ("mean", "variance")


def _write_group_normalization(call: LayerCall) -> Tensor:
    """Wu and He 2018: statistics over space and the channels of a group, channels last."""
    graph, tensor = call.graph, call.input
    if _axis(call) != tensor.rank - 1:
        raise call.refuse("an axis other than the last")
    channels, groups = tensor.shape[-1], int(call.number("groups", 32))
    groups = channels if groups == -1 else groups
    batch, places = tensor.shape[0], math.prod(tensor.shape[1:-1])
    split = graph.reshape(tensor, (batch, places, groups, channels // groups))
    split = graph.transpose(split, [0, 2, 1, 3])
    flat = graph.reshape(split, (batch, groups, places * (channels // groups)))
    ones = graph.constant(np.ones(flat.shape[-1], np.float32), "ones")
    flat = graph.add(
        "LayerNormalization", flat, ones, axis=-1, epsilon=call.number("epsilon", 1e-3)
    )
    split = graph.reshape(flat, (batch, groups, places, channels // groups))
    result = graph.reshape(graph.transpose(split, [0, 2, 1, 3]), tensor.shape)
    at = 0
    for option, name, op in (("scale", "gamma", "Mul"), ("center", "beta", "Add")):
        if call.option(option, True):
            values = call.weight(at, (channels,), name)
            result = graph.add(op, result, graph.constant(values, name))
            at += 1
    return result


NORMALIZATION_LAYERS: Mapping[str, LayerWriter] = {
    "BatchNormalization": _write_batch_normalization,
    "SyncBatchNormalization": _write_batch_normalization,
    "LayerNormalization": _write_layer_normalization,
    "GroupNormalization": _write_group_normalization,
    "Rescaling": _write_rescaling,
    "Normalization": _write_normalization,
}
