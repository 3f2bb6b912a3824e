"""How much of the noise on each channel of each activation reaches the graph's outputs.

Quantization noise is taken as white and independent, so that powers add: a Conv multiplies the
noise power of channel c on its way to output o by the sum of its squared weights between them,
pooling divides it by its window, a sum passes it on. Carried from the outputs back to the inputs
this is the diagonal of the Gauss-Newton matrix that loss-aware quantization works with (Nahshan et
al. 2021, "Loss Aware Post-Training Quantization"), from weights alone and in one sweep.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node

__all__ = ["channel_energy", "noise_gains"]

_RELU_SLOPE = 0.5  # half of the values pass
_GATE_POWER = 0.3  # E[g ** 2] of a gate between 0 and 1
_SIGMOID_SLOPE = 0.04
_RANK = 2

Channels = NDArray[np.float64]


def channel_energy(weights: NDArray[np.float64], groups: int, gains: Channels) -> Channels:
    """(channels,): sum over outputs of gain times squared weight, of what multiplies a channel.

    Args:
        weights: (outputs, channels a group, ...).
        groups: of the convolution.
        gains: (outputs,).
    """
    squares = np.square(weights.reshape(*weights.shape[:2], -1)).sum(axis=2)
    weighted = (squares * gains[:, None]).reshape(groups, -1, squares.shape[1])
    energy: Channels = weighted.sum(axis=1).reshape(-1)
    return energy


def noise_gains(graph: FloatGraph) -> dict[str, Channels]:
    """Carry the gains from the outputs back to every activation with channels on axis 1.

    Returns:
        (channels,) by tensor: noise power at the outputs for unit noise power on every value of
        that channel. Tensors behind operators that are not followed have none.
    """
    gains = {
        name: np.ones(graph.shapes[name][1])
        for name in graph.outputs
        if len(graph.shapes[name]) >= _RANK
    }
    for node in reversed(graph.nodes):
        after = gains.get(node.outputs[0])
        if after is None:
            continue
        for name, gain in _inputs(graph, node, after):
            if name not in graph.constants and gain.shape == (_channels(graph, name),):
                gains[name] = gains.get(name, 0.0) + gain
    return gains


def _channels(graph: FloatGraph, name: str) -> int:
    shape = graph.shapes[name]
    return shape[1] if len(shape) >= _RANK else 0


def _inputs(graph: FloatGraph, node: Node, after: Channels) -> list[tuple[str, Channels]]:
    if node.op in {"Conv", "Gemm"}:
        weights = graph.constants[node.inputs[1]].astype(np.float64)
        groups = int(node.attributes.get("group", 1))
        return [(node.inputs[0], channel_energy(weights, groups, after))]
    if node.op == "Concat":
        sizes = [_channels(graph, name) for name in node.inputs]
        parts = np.split(after, np.cumsum(sizes)[:-1])
        return list(zip(node.inputs, parts, strict=True)) if sum(sizes) == len(after) else []
    if node.op == "Mul":
        return _product(graph, node, after)
    factor = _FACTORS[node.op](graph, node) if node.op in _FACTORS else 1.0
    return [(name, after * factor) for name in node.inputs if name]


def _product(graph: FloatGraph, node: Node, after: Channels) -> list[tuple[str, Channels]]:
    constants = [name for name in node.inputs if name in graph.constants]
    if constants:
        factor = float(np.square(graph.constants[constants[0]].astype(np.float64)).mean())
        return [(name, after * factor) for name in node.inputs]
    return [(name, after * _GATE_POWER) for name in node.inputs]


def _pooled(graph: FloatGraph, node: Node) -> float:
    return 1.0 / prod(graph.shapes[node.inputs[0]][2:])


def _window(_graph: FloatGraph, node: Node) -> float:
    return 1.0 / prod(int(each) for each in node.attributes.get("kernel_shape", (1,)))


_FACTORS: dict[str, Callable[[FloatGraph, Node], float]] = {
    "GlobalAveragePool": _pooled,
    "AveragePool": _window,
    "Relu": lambda _graph, _node: _RELU_SLOPE,
    "Clip": lambda _graph, _node: _RELU_SLOPE,
    "Sigmoid": lambda _graph, _node: _SIGMOID_SLOPE,
}
