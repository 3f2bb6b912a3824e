"""Normalisation moves into the graph: uint8 pixels go in, the board decodes and resizes only.

A model that was trained on (pixel * scale - mean) / std gets an input of pixels 0..255. Where that
is one step size and one whole zero point for all channels (grey pictures, pixels / 255, pixels -
127 over 128), the pixels *are* the quantized input and nothing is computed at all. Otherwise the
normalisation is folded into the first convolution, or, where that has padding (which stands for 0
after normalisation, not for a pixel), becomes a depthwise 1 x 1 convolution of its own, whose
int8 weights are exact since each channel has only one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import check_graph

if TYPE_CHECKING:
    from edge.bundle.manifest import ImageInput

__all__ = ["pixel_range", "take_pixels"]

_LAST_PIXEL = 255
_WHOLE = 1e-6
_TO_CHANNELS_FIRST = (0, 3, 1, 2)

Channels = NDArray[np.float64]


def take_pixels(graph: FloatGraph, image: ImageInput) -> FloatGraph:
    """Let a graph take uint8 pixels in place of normalised float32.

    Args:
        graph: canonical, with the float32 picture input `image.name`.
        image: how pixels are normalised for it.

    Returns:
        The same function of pixels: the input keeps its name and shape and becomes uint8.
    """
    draft = GraphDraft(graph)
    name = image.name
    channels = image.shape[1] if image.layout == "NCHW" else image.shape[3]
    factor = image.scale / np.broadcast_to(np.array(image.std, np.float64), (channels,))
    offset = -np.broadcast_to(np.array(image.mean, np.float64), (channels,)) / np.broadcast_to(
        np.array(image.std, np.float64), (channels,)
    )
    zero_point = -offset / factor
    pixels = draft.add_tensor(f"{name}/pixels", image.shape)
    draft.dtypes[name] = "uint8"
    if _is_one_grid(factor, zero_point):
        scale, zero = np.float32(factor[0]), np.uint8(round(zero_point[0]))
        draft.redirect(name, pixels)
    else:
        scale, zero = np.float32(1.0), np.uint8(0)
        _normalise(draft, name, pixels, factor=factor, offset=offset)
    parameters = (
        draft.add_constant(f"{name}/pixel_scale", np.array(scale)),
        draft.add_constant(f"{name}/pixel_zero", np.array(zero)),
    )
    draft.nodes.insert(
        0, Node("DequantizeLinear", (name, *parameters), (pixels,), {}, f"{name}/pixels")
    )
    changed = draft.finish()
    check_graph(changed, when="after pixels were let in")
    return changed


def pixel_range(image: ImageInput) -> tuple[float, float]:
    """Smallest and largest value that normalisation can make of a pixel in 0..255."""
    count = max(len(image.mean), len(image.std))
    mean = np.broadcast_to(np.array(image.mean, np.float64), (count,))
    std = np.broadcast_to(np.array(image.std, np.float64), (count,))
    ends = np.concatenate([(pixel * image.scale - mean) / std for pixel in (0.0, _LAST_PIXEL)])
    return float(ends.min()), float(ends.max())


def _is_one_grid(factor: Channels, zero_point: Channels) -> bool:
    is_one = np.ptp(factor) <= _WHOLE * abs(factor[0]) and np.ptp(zero_point) <= _WHOLE
    is_whole = abs(zero_point[0] - round(zero_point[0])) <= _WHOLE
    return bool(is_one and is_whole and 0 <= round(zero_point[0]) <= _LAST_PIXEL and factor[0] > 0)


def _normalise(
    draft: GraphDraft, name: str, pixels: str, *, factor: Channels, offset: Channels
) -> None:
    """Compute pixels * factor + offset before what read the input."""
    readers = draft.consumers(name)
    draft.redirect(name, pixels)
    image = pixels
    if len(readers) == 1 and tuple(readers[0].attributes.get("perm", ())) == _TO_CHANNELS_FIRST:
        image = readers[0].outputs[0]
        readers = draft.consumers(image)
    if len(readers) == 1 and _takes_unpadded(readers[0], draft):
        _fold_into_first(draft, draft.consumers(image)[0], factor=factor, offset=offset)
        return
    normalised = draft.add_tensor(f"{name}/normalised", draft.shape(image))
    draft.redirect(image, normalised)
    count = len(factor)
    weight = draft.add_constant(f"{name}/factor", factor.reshape(count, 1, 1, 1).astype(np.float32))
    bias = draft.add_constant(f"{name}/offset", offset.astype(np.float32))
    attributes = {
        "group": count,
        "kernel_shape": (1, 1),
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": (0, 0, 0, 0),
    }
    layer = Node("Conv", (image, weight, bias), (normalised,), attributes, f"{name}/normalise")
    after = [at for at, node in enumerate(draft.nodes) if image in node.outputs]
    draft.nodes.insert(after[0] + 1 if after else 0, layer)


def _takes_unpadded(node: Node, draft: GraphDraft) -> bool:
    is_plain = node.op == "Conv" and int(node.attributes.get("group", 1)) == 1
    return (
        is_plain
        and not any(node.attributes.get("pads", ()))
        and all(not name or name in draft.constants for name in node.inputs[1:])
    )


def _fold_into_first(draft: GraphDraft, layer: Node, *, factor: Channels, offset: Channels) -> None:
    weights = draft.constants[layer.inputs[1]].astype(np.float64)
    bias = np.zeros(len(weights))
    if layer.inputs[2:] and layer.inputs[2]:
        bias = draft.constants[layer.inputs[2]].astype(np.float64)
    bias = bias + (weights * offset.reshape(1, -1, 1, 1)).sum(axis=(1, 2, 3))
    scaled = weights * factor.reshape(1, -1, 1, 1)
    parameters = (
        draft.add_constant(f"{layer.name}/weight", scaled.astype(np.float32)),
        draft.add_constant(f"{layer.name}/bias", bias.astype(np.float32)),
    )
    draft.replace(layer, replace(layer, inputs=(layer.inputs[0], *parameters)))
