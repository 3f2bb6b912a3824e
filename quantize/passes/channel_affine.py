"""y = scale[c] * x + shift[c], folded into the Conv or Gemm before it or made a Conv itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import Node
from quantize.graph_draft import GraphDraft

__all__ = [
    "Channels",
    "affine_host",
    "channel_vector",
    "fold_into_host",
    "pointwise_depthwise_conv",
]

_HOSTS = frozenset({"Conv", "Gemm"})

Channels = NDArray[np.float64]


def affine_host(draft: GraphDraft, name: str) -> Node | None:
    """The Conv or Gemm that writes `name`, where an affine map after it can be folded in."""
    host = draft.producer(name)
    if host is None or host.op not in _HOSTS or not draft.is_private(name):
        return None
    is_constant = all(not each or each in draft.constants for each in host.inputs[1:])
    return host if is_constant else None


def channel_vector(values: NDArray[Any], shape: tuple[int, ...]) -> Channels | None:
    """One value a channel (axis 1) of a constant that is broadcast against `shape`.

    Returns:
        (channels,) float64, or None where the constant varies along another axis.
    """
    if values.ndim > len(shape):
        return None
    aligned = (1,) * (len(shape) - values.ndim) + values.shape
    if any(size != 1 for axis, size in enumerate(aligned) if axis != 1):
        return None
    if aligned[1] not in {1, shape[1]}:
        return None
    return np.broadcast_to(values.reshape(-1), (shape[1],)).astype(np.float64)


def fold_into_host(
    draft: GraphDraft, node: Node, host: Node, *, scale: Channels, shift: Channels
) -> None:
    """Let `host` compute what `host` and then `node` computed, and remove `node`."""
    weights = draft.constants[host.inputs[1]].astype(np.float64)
    bias = np.zeros(len(weights))
    if host.inputs[2:] and host.inputs[2]:
        bias = draft.constants[host.inputs[2]].astype(np.float64)
    column = scale.reshape((-1,) + (1,) * (weights.ndim - 1))
    folded = _parameters(draft, host.name, weights * column, bias * scale + shift)
    draft.remove([node])
    draft.replace(host, replace(host, inputs=(host.inputs[0], *folded), outputs=node.outputs[:1]))


def pointwise_depthwise_conv(
    draft: GraphDraft, node: Node, source: str, *, scale: Channels, shift: Channels
) -> None:
    """Replace `node` by a depthwise 1 x 1 Conv, which has a weight scale for each channel."""
    channels = len(scale)
    inputs = _parameters(draft, node.name, scale.reshape(channels, 1, 1, 1), shift)
    attributes = {
        "group": channels,
        "kernel_shape": (1, 1),
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": (0, 0, 0, 0),
    }
    draft.replace(node, Node("Conv", (source, *inputs), node.outputs[:1], attributes, node.name))


def _parameters(
    draft: GraphDraft, name: str, weights: NDArray[np.float64], bias: Channels
) -> tuple[str, str]:
    return (
        draft.add_constant(f"{name}/weight", weights.astype(np.float32)),
        draft.add_constant(f"{name}/bias", bias.astype(np.float32)),
    )
