"""Channels of activations are brought to like size, without changing what the model computes.

An activation has one scale for all channels, so a channel of small values keeps few of the 256
levels. A Conv or Gemm can write channel c larger by s[c] and its readers divide it out in their
weights (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
Correction", section 4.1; Xiao et al. 2022, "SmoothQuant", equation 4). Here that is done for whole
graphs: `channel_groups` finds what has to share a factor across shortcuts, gates and concatenation,
`channel_gates` lets factors through hard swish and SiLU where `gate_choice` wants it, and the
factors of all tensors that are bound together are chosen together, for the least expected noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import Precision
from quantize.repair.channel_factors import FactorProblem, Reader, Span, solve_factors
from quantize.repair.channel_gates import gate_floors
from quantize.repair.channel_groups import ChannelGroups, find_channel_groups
from quantize.repair.channel_statistics import ChannelStatistics, measure_channels
from quantize.repair.gate_choice import ALL_GATES, open_useful_gates
from quantize.repair.noise_gain import noise_gains
from quantize.run_examples import Examples, Progress

__all__ = ["Equalization", "equalise", "equalise_channels"]

_LAYERS = frozenset({"Conv", "Gemm"})

Channels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Equalization:
    """A rescaled graph, and what its ranges need not hold.

    Attributes:
        graph: computes the same as before.
        floors: by activation, how low its range has to reach at most: below that a gate makes
            nothing of the values.
    """

    graph: FloatGraph
    floors: Mapping[str, float]


def equalise_channels(
    graph: FloatGraph, examples: Examples, *, progress: Progress | None = None
) -> FloatGraph:
    """The graph of `equalise` alone."""
    return equalise(graph, examples, progress=progress).graph


def equalise(
    graph: FloatGraph,
    examples: Examples,
    *,
    gate_share: float = ALL_GATES,
    precisions: Mapping[str, Precision] | None = None,
    progress: Progress | None = None,
) -> Equalization:
    """Rescale channels between layers.

    Args:
        graph: the canonical float graph.
        examples: real inputs; a bounded activation (ReLU6) is never scaled beyond its bound on
            these, so that the model computes the same on them.
        gate_share: of all values that pass a gate, how many may pass an opened one, 0 to 1.
        precisions: by node name; gates in float are left as they are.
        progress: told after each example.

    Returns:
        A graph that computes the same, with other weights and biases, and a depthwise layer
        before gates where that frees a tensor.

    Raises:
        InputError: an activation is NaN or infinite.
        EngineError: onnxruntime failed.
    """
    opened = open_useful_gates(graph, most_share=gate_share, precisions=precisions)
    groups = find_channel_groups(opened)
    inside = fused_activations(opened)
    names = [name for name in groups.free_tensors() if name not in inside]
    floors = gate_floors(opened)
    statistics = measure_channels(opened, examples, names, floors=floors, progress=progress)
    gains = noise_gains(opened)
    factors = np.ones(len(groups.is_free))
    for members in _bound_tensors(groups, names):
        problem = _problem(opened, groups, statistics, members, gains)
        classes, found = solve_factors(problem)
        factors[classes] = found
    return Equalization(
        graph=_rescaled(opened, groups, factors),
        floors={
            name: float(
                np.min(np.maximum(statistics[name].low, floor) * factors[groups.classes[name]])
            )
            for name, floor in floors.items()
            if name in statistics
        },
    )


def _bound_tensors(groups: ChannelGroups, names: list[str]) -> list[list[str]]:
    """Tensors that share a free class, directly or through others, together."""
    owner: dict[int, int] = {}
    parts: list[list[str]] = []
    for name in names:
        classes = np.unique(groups.classes[name])
        free = classes[groups.is_free[classes]]
        met = sorted({owner[each] for each in free.tolist() if each in owner})
        target = met[0] if met else len(parts)
        if not met:
            parts.append([])
        for other in met[1:]:
            parts[target] += parts[other]
            parts[other] = []
            owner.update({key: target for key, value in owner.items() if value == other})
        parts[target].append(name)
        owner.update(dict.fromkeys(free.tolist(), target))
    return [part for part in parts if part]


def _problem(
    graph: FloatGraph,
    groups: ChannelGroups,
    statistics: dict[str, ChannelStatistics],
    members: list[str],
    gains: Mapping[str, Channels],
) -> FactorProblem:
    spans = []
    for name in members:
        found = statistics[name]
        readers = tuple(
            _reader(graph, node, found, gains)
            for node in graph.consumers(name)
            if node.op in _LAYERS and node.inputs[0] == name
        )
        spans.append(
            Span(
                classes=groups.classes[name],
                clip=found.clip,
                peak=found.peak,
                square=found.square,
                gains=gains.get(name, np.ones_like(found.clip)),
                cap=groups.caps.get(name, np.inf),
                readers=readers,
            )
        )
    return FactorProblem(spans=tuple(spans), is_free=groups.is_free)


def _reader(
    graph: FloatGraph, node: Node, found: ChannelStatistics, gains: Mapping[str, Channels]
) -> Reader:
    weights = np.abs(graph.constants[node.inputs[1]].astype(np.float64))
    flat = weights.reshape(*weights.shape[:2], -1)
    after = gains.get(node.outputs[0], np.ones(len(flat)))
    return Reader(weights=flat, gains=after, groups=len(found.clip) // flat.shape[1])


def _rescaled(graph: FloatGraph, groups: ChannelGroups, factors: Channels) -> FloatGraph:
    constants = dict(graph.constants)

    def of(name: str) -> Channels:
        classes = groups.classes.get(name)
        return np.ones(graph.shapes[name][1]) if classes is None else factors[classes]

    for node in graph.nodes:
        if node.op not in _LAYERS:
            continue
        weights = constants[node.inputs[1]].astype(np.float64)
        before, after = of(node.inputs[0]), of(node.outputs[0])
        rest = (1,) * (weights.ndim - 2)
        count = len(before) // weights.shape[1]
        divisors = before.reshape(count, weights.shape[1]).repeat(len(weights) // count, axis=0)
        scaled = weights * after.reshape(-1, 1, *rest) / divisors.reshape(*divisors.shape, *rest)
        constants[node.inputs[1]] = scaled.astype(np.float32)
        for bias in filter(None, node.inputs[2:]):
            constants[bias] = (constants[bias].astype(np.float64) * after).astype(np.float32)
    return replace(graph, constants=constants)
