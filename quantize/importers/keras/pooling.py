"""Pooling, padding, cropping and resizing of space, one and two axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quantize.importers.keras.channels import channels_first, through_channels_first
from quantize.importers.keras.convolution import window_pads
from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.onnx_graph import Tensor

__all__ = ["SPACE_LAYERS"]

_INTERPOLATIONS: Mapping[str, Mapping[str, str]] = {
    "nearest": {
        "mode": "nearest",
        "coordinate_transformation_mode": "half_pixel",
        "nearest_mode": "round_prefer_ceil",
    },
    "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
}


def _write_pool(op: str, count: int) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        window = call.whole_numbers("pool_size", count, default=2)
        has_strides = call.option("strides") is not None
        strides = call.whole_numbers("strides", count) if has_strides else window

        def write_one(tensor: Tensor) -> Tensor:
            attributes: dict[str, Any] = {
                "kernel_shape": list(window),
                "strides": list(strides),
                "pads": window_pads(call, tensor.shape[2:], window, strides),
            }
            if op == "AveragePool":
                attributes["count_include_pad"] = 0
            return call.graph.add(op, tensor, **attributes)

        return through_channels_first(call, write_one)

    return write


def _write_global(op: str) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        graph, tensor = call.graph, call.input
        if tensor.padding is not None and op == "GlobalAveragePool":
            return _masked_mean(call)
        tensor = channels_first(graph, tensor) if call.is_channels_last else tensor
        pooled = graph.add(op, tensor)
        batch, channels = pooled.shape[:2]
        if not call.option("keepdims", False):
            return graph.reshape(pooled, (batch, channels))
        ones = (1,) * (pooled.rank - 2)
        shape = (batch, *ones, channels) if call.is_channels_last else (batch, channels, *ones)
        return graph.reshape(pooled, shape)

    return write


def _masked_mean(call: LayerCall) -> Tensor:
    """Mean of the steps that are not padding; like Keras, no guard against a wholly masked row."""
    graph, tensor = call.graph, call.input
    if not call.is_channels_last or tensor.padding is None:
        raise call.refuse("a mask with channels first")
    keep = graph.add("Sub", graph.constant(1.0, "one"), tensor.padding)
    axes = graph.constant([1], "axes")
    is_kept = int(bool(call.option("keepdims", False)))
    total = graph.add("ReduceSum", graph.add("Mul", tensor, keep), axes, keepdims=is_kept)
    return graph.add("Div", total, graph.add("ReduceSum", keep, axes, keepdims=is_kept))


def _pairs(call: LayerCall, name: str, count: int) -> list[tuple[int, int]]:
    """An option that is one number, one an axis, or a pair an axis; or, on one axis, one pair."""
    value = call.option(name, 1)
    if isinstance(value, int):
        return [(value, value)] * count
    if count == 1 and all(isinstance(each, int) for each in value):
        return [(int(value[0]), int(value[-1]))]
    return [(int(np.ravel(each)[0]), int(np.ravel(each)[-1])) for each in value]


def _write_zero_padding(count: int) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        pads = np.zeros((2, count + 2), np.int64)
        pads[:, 2:] = np.transpose(_pairs(call, "padding", count))
        constant = call.graph.constant(pads.ravel(), "pads")
        return through_channels_first(call, lambda tensor: call.graph.add("Pad", tensor, constant))

    return write


def _write_cropping(count: int) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        pairs = _pairs(call, "cropping", count)
        graph, axes = call.graph, list(range(2, count + 2))

        def write_one(tensor: Tensor) -> Tensor:
            space = tensor.shape[2:]
            ends = [size - after for size, (_, after) in zip(space, pairs, strict=True)]
            return graph.add(
                "Slice",
                tensor,
                graph.constant([before for before, _ in pairs], "starts"),
                graph.constant(ends, "ends"),
                graph.constant(axes, "axes"),
            )

        return through_channels_first(call, write_one)

    return write


def _write_upsampling(count: int) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        factors = call.whole_numbers("size", count, default=2)
        modes = _interpolation(call)
        if modes["mode"] == "nearest":  # whole factors: the same, and simpler to run
            modes = {
                "mode": "nearest",
                "coordinate_transformation_mode": "asymmetric",
                "nearest_mode": "floor",
            }
        scales = call.graph.constant([1.0, 1.0, *map(float, factors)], "scales")
        return through_channels_first(
            call, lambda tensor: call.graph.add("Resize", tensor, None, scales, **modes)
        )

    return write


def _write_resizing(call: LayerCall) -> Tensor:
    if call.option("crop_to_aspect_ratio") or call.option("pad_to_aspect_ratio"):
        raise call.refuse("keeping the aspect ratio is not supported")
    if call.option("antialias"):
        raise call.refuse("antialias is not supported")
    size = [int(call.number(each, 0)) for each in ("height", "width")]
    modes = _interpolation(call)

    def write_one(tensor: Tensor) -> Tensor:
        sizes = call.graph.constant([*tensor.shape[:2], *size], "sizes")
        return call.graph.add("Resize", tensor, None, None, sizes, **modes)

    return through_channels_first(call, write_one)


def _interpolation(call: LayerCall) -> Mapping[str, str]:
    stated = call.option("interpolation")
    name = str(stated or ("bilinear" if call.layer.kind == "Resizing" else "nearest"))
    if name not in _INTERPOLATIONS:
        raise call.refuse(f"interpolation '{name}'; nearest and bilinear are supported")
    return _INTERPOLATIONS[name]


SPACE_LAYERS: Mapping[str, LayerWriter] = {
    "MaxPooling1D": _write_pool("MaxPool", 1),
    "MaxPooling2D": _write_pool("MaxPool", 2),
    "AveragePooling1D": _write_pool("AveragePool", 1),
    "AveragePooling2D": _write_pool("AveragePool", 2),
    "GlobalMaxPooling1D": _write_global("GlobalMaxPool"),
    "GlobalMaxPooling2D": _write_global("GlobalMaxPool"),
    "GlobalAveragePooling1D": _write_global("GlobalAveragePool"),
    "GlobalAveragePooling2D": _write_global("GlobalAveragePool"),
    "ZeroPadding1D": _write_zero_padding(1),
    "ZeroPadding2D": _write_zero_padding(2),
    "Cropping1D": _write_cropping(1),
    "Cropping2D": _write_cropping(2),
    "UpSampling1D": _write_upsampling(1),
    "UpSampling2D": _write_upsampling(2),
    "Resizing": _write_resizing,
}
