"""Ranges tuned to what reaches the outputs.

Errors of one activation on its own say little about the answers: rounding errors of flat regions
add up, what is clipped in a few examples may decide them, and layers make up for one another. So
the ranges of the activations that lose most are moved one after another, and a move stays where
the quantized graph's outputs come nearer to the float graph's (coordinate-wise form of Nahshan et
al. 2021, "Loss Aware Post-Training Quantization", section 4; Powell's method there).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quantize.calibration import TensorRange
from quantize.quantized_graph import QuantizedGraph
from quantize.quantizer import prescribed_params
from quantize.repair.new_ranges import with_range
from quantize.repair.noise_gain import noise_gains
from quantize.repair.output_error import OutputError
from quantize.run_examples import Progress, ignore_progress
from quantize.same_scale import same_scale_groups

__all__ = ["RangeSearch", "SearchedRanges", "noisiest_groups", "search_ranges"]

_FACTORS = (0.7, 0.85, 1.18, 1.4)
_LEAST_GAIN = 0.002

Ranges = Mapping[str, TensorRange]


@dataclass(frozen=True, slots=True)
class SearchedRanges:
    """The graph that was found, the ranges of its activations, and its noise as measured."""

    quantized: QuantizedGraph
    ranges: dict[str, TensorRange]
    noise: float


@dataclass(frozen=True, slots=True)
class RangeSearch:
    """How hard to search.

    Attributes:
        tensors: how many of the noisiest activations are moved.
        sweeps: over all of them.
    """

    tensors: int = 12
    sweeps: int = 2


def search_ranges(
    quantized: QuantizedGraph,
    ranges: Ranges,
    error: OutputError,
    *,
    search: RangeSearch | None = None,
    progress: Progress | None = None,
) -> SearchedRanges:
    """Move the ranges of the activations that are expected to lose most.

    Args:
        quantized: where to start; its integer weights stay.
        ranges: those that it was quantized with.
        error: measures on examples.
        search: how hard.
        progress: told after each trial.

    Returns:
        A graph whose measured error is not above that of `quantized`.

    Raises:
        EngineError: onnxruntime failed.
    """
    chosen = search or RangeSearch()
    report = progress or ignore_progress
    groups = noisiest_groups(quantized, ranges)[: chosen.tensors]
    best = SearchedRanges(quantized, dict(ranges), error.noise(quantized))
    total = chosen.sweeps * len(groups) * len(_FACTORS)
    done = 0
    for _ in range(chosen.sweeps):
        for members in groups:
            start = best.ranges[members[0]]
            for factor in _FACTORS:
                moved = TensorRange(start.low * factor, start.high * factor)
                trial = with_range(best.quantized, members, moved)
                noise = error.noise(trial)
                if noise < best.noise * (1.0 - _LEAST_GAIN):
                    moves = dict.fromkeys(members, moved)
                    best = SearchedRanges(trial, {**best.ranges, **moves}, noise)
                done += 1
                report(done, total)
    return best


def noisiest_groups(quantized: QuantizedGraph, ranges: Ranges) -> list[tuple[str, ...]]:
    """Groups of activations of one scale, by the rounding noise expected at the outputs."""
    graph = quantized.graph
    gains = noise_gains(graph)
    held = set(graph.inputs) | {
        node.outputs[0] for node in graph.nodes if prescribed_params(graph, node) is not None
    }
    held.update(node.outputs[0] for node in graph.nodes if node.op == "Clip")
    expected: dict[tuple[str, ...], float] = {}
    for members in dict.fromkeys(same_scale_groups(graph, quantized.precisions).values()):
        if held.isdisjoint(members) and members[0] in ranges:
            span = ranges[members[0]].high - ranges[members[0]].low
            gain = sum(float(np.sum(gains.get(name, 0.0))) for name in members)
            expected[members] = gain * span**2
    return sorted(expected, key=lambda members: (-expected[members], members))
