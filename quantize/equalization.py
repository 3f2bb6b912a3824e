"""Channels of an activation are brought to like size, without changing what the model computes.

An activation has one scale for all channels, so a channel of small values keeps few of the 256
levels. Where a Conv writes an activation that only one other Conv reads, the first can write
channel c larger by s[c] and the second divide it out in its weights: the outputs stay the same
(Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
section 4.1; Xiao et al. 2023, "SmoothQuant", equation 4). Dividing costs precision of the second
layer's weights where they have one scale for several input channels, so the strength is chosen
pair by pair: the exponent e in s = (top / peak) ** e with the least expected noise of both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantize.channel_statistics import ChannelStatistics, measure_channels
from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.operators.clamp import clamp_bounds
from quantize.run_examples import Examples, Progress

__all__ = ["equalise_channels"]

_EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LARGEST_FACTOR = 256.0
_ACTIVATION_STEPS = 255.0
_WEIGHT_STEPS = 127.0
_SATURATED = 0.999

Channels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A Conv, the activation that it writes (after a fused Relu or Clip), and its one reader.

    `cap` is the activation's upper bound; infinity for none.
    """

    writer: Node
    activation: str
    cap: float
    reader: Node


def equalise_channels(
    graph: FloatGraph, examples: Examples, *, progress: Progress | None = None
) -> FloatGraph:
    """Rescale channels between Conv layers.

    Args:
        graph: the canonical float graph.
        examples: real inputs; a bounded activation (ReLU6) is never scaled beyond its bound on
            these, so that the model computes the same on them.
        progress: told after each example.

    Returns:
        The same nodes with other weights and biases.

    Raises:
        InputError: an activation is NaN or infinite.
        EngineError: onnxruntime failed.
    """
    pairs = _find_pairs(graph)
    names = [pair.activation for pair in pairs]
    statistics = measure_channels(graph, examples, names, progress=progress)
    constants = dict(graph.constants)
    for pair in pairs:
        weights = constants[pair.reader.inputs[1]].astype(np.float64)
        factors = _choose_factors(pair, statistics[pair.activation], weights)
        column = factors.reshape(-1, 1, 1, 1)
        row = column if _is_depthwise(pair.reader, graph) else factors.reshape(1, -1, 1, 1)
        _multiply(constants, pair.writer.inputs[1], column)
        for bias in pair.writer.inputs[2:]:
            _multiply(constants, bias, factors)
        _multiply(constants, pair.reader.inputs[1], 1.0 / row)
    return replace(graph, constants=constants)


def _multiply(constants: dict[str, NDArray[np.float32]], name: str, by: Channels) -> None:
    if name:
        constants[name] = (constants[name].astype(np.float64) * by).astype(np.float32)


def _find_pairs(graph: FloatGraph) -> list[_Pair]:
    fused = fused_activations(graph)
    pairs: list[_Pair] = []
    for writer in graph.nodes:
        if writer.op != "Conv":
            continue
        activation = fused.get(writer.outputs[0])
        low, cap = clamp_bounds(graph, activation) if activation else (0.0, np.inf)
        name = activation.outputs[0] if activation else writer.outputs[0]
        readers = graph.consumers(name)
        if low != 0.0 or name in graph.outputs or len(readers) != 1:
            continue
        if readers[0].op == "Conv" and _can_divide(readers[0], graph):
            pairs.append(_Pair(writer, name, cap, readers[0]))
    return pairs


def _is_depthwise(node: Node, graph: FloatGraph) -> bool:
    channels = graph.shape(node.inputs[0])[1]
    group = int(node.attributes.get("group", 1))
    return 1 < group == channels == graph.shape(node.inputs[1])[0]


def _can_divide(node: Node, graph: FloatGraph) -> bool:
    return int(node.attributes.get("group", 1)) == 1 or _is_depthwise(node, graph)


def _choose_factors(pair: _Pair, found: ChannelStatistics, weights: Channels) -> Channels:
    """The factors, at least 1 for bounded activations, with the least expected noise."""
    is_depthwise = weights.shape[1] != len(found.peak)
    top = pair.cap if np.isfinite(pair.cap) else float(found.peak.max(initial=0.0))
    is_alive = (found.peak > 0) & (found.peak < _SATURATED * top)
    room = np.where(is_alive, top / np.where(is_alive, found.peak, 1.0), 1.0)
    room = np.minimum(room, _LARGEST_FACTOR)
    energy = np.abs(weights.reshape(*weights.shape[:2], -1))
    candidates = [room**exponent for exponent in _EXPONENTS]
    if is_depthwise:
        return candidates[-1]
    noises = [_expected_noise(each, found, energy) for each in candidates]
    return candidates[int(np.argmin(noises))]


def _expected_noise(factors: Channels, found: ChannelStatistics, energy: Channels) -> float:
    """Expected squared error of the reader's outputs, in twelfths, summed over its channels.

    Args:
        factors: (channels,).
        found: of the activation before scaling.
        energy: (outputs, channels, positions), absolute weights before scaling.
    """
    activation_step = float((found.peak * factors).max()) / _ACTIVATION_STEPS
    by_input = np.square(energy).sum(axis=2)
    from_activation = float((by_input * np.square(activation_step / factors)).sum())
    scaled = energy / factors.reshape(1, -1, 1)
    weight_step = scaled.max(axis=(1, 2)) / _WEIGHT_STEPS
    signal = float((found.variance * np.square(factors)).sum()) * energy.shape[2]
    from_weights = float(np.square(weight_step).sum() * signal)
    return from_activation + from_weights
