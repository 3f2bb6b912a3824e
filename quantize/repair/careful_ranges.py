"""Ranges chosen by what they do to examples that calibration did not see.

The first rung. Each candidate is a way to make ranges of what calibration saw: least error (Nagel
et al. 2021, "A White Paper on Neural Network Quantization", section 3.1), everything seen, half-way
between, and everything seen with room for more, since the wildest of new examples exceed those of a
small calibration set. The whole quantized network is tried with each, on the half of the examples
that the ranges were not made from (as Nahshan et al. 2021, "Loss Aware Post-Training Quantization",
choose theirs by the loss).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantize.calibration import Calibration, CalibrationOptions, TensorRange, calibrate
from quantize.calibration_checkpoint import graph_digest
from quantize.calibration_options import RangeMethod
from quantize.graph import FloatGraph
from quantize.operators.clamp import clamp_bounds
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.quantizer import prescribed_params, quantize_graph
from quantize.repair.channel_gates import gate_floors
from quantize.repair.output_error import OutputError
from quantize.repair.selected_examples import SelectedExamples, spread_examples
from quantize.run_examples import Examples, Progress, ignore_progress
from quantize.same_scale import materialised_tensors, same_scale_groups

__all__ = ["RangeChoice", "RangeRules", "choose_ranges"]

_ROOMS = (1.0, 1.15, 1.3)
_FEWEST_TO_SPLIT = 8
_MOST_TRIED = 32
_TOLERANCE_DB = 64.0
"""What a wider range may cost on the examples there are, times their number: one decibel for 64.
After equalization every channel reaches to the end of the range, so that any of them may exceed
it on a new example, which costs far more than coarser steps do; the fewer examples, the more
likely."""

_LARGEST_TOLERANCE_DB = 5.0
_SIGMOID_REACH = 8.0  # sigmoid(8) is one step of 8 bit below 1


@dataclass(frozen=True, slots=True)
class RangeRules:
    """What ranges have to respect.

    Attributes:
        known: ranges that need no calibration, by activation.
        floors: how low a range has to reach at most, by activation (`Equalization`), where that is
            not where its gate shuts.
        precisions: by node name; INT8 for those not named.
        options: of the calibration.
        checkpoint: beginning of the names of files where calibration keeps what it knows.
    """

    known: Mapping[str, TensorRange]
    floors: Mapping[str, float]
    precisions: Mapping[str, Precision]
    options: CalibrationOptions
    checkpoint: Path | None = None


@dataclass(frozen=True, slots=True)
class RangeChoice:
    """Ranges for a graph, the graph quantized with them, and the mean noise of both halves."""

    ranges: Mapping[str, TensorRange]
    quantized: QuantizedGraph
    noise: float


def choose_ranges(
    graph: FloatGraph,
    examples: Examples,
    rules: RangeRules,
    *,
    progress: Progress | None = None,
) -> RangeChoice:
    """Calibrate on each half of the examples, and try each candidate on the other half.

    Args:
        graph: the float graph.
        examples: real inputs; of fewer than eight, all serve for both.
        rules: what ranges have to respect.
        progress: told after each example of the calibration.

    Returns:
        The widest candidate that is nearly as good as the best; its ranges hold those of both
        halves. Where the options name a method there is no other candidate.

    Raises:
        InputError: no examples, or an activation is NaN or infinite.
        EngineError: onnxruntime failed.
    """
    halves = _halves(examples)
    report = progress or ignore_progress
    found: list[list[dict[str, TensorRange]]] = []
    done = 0
    kept = rules.checkpoint
    stem = f"{kept.name}-{_rung_digest(graph, rules)[:12]}" if kept else ""
    for at, half in enumerate(halves):
        seen = calibrate(
            graph,
            half,
            options=rules.options,
            precisions=rules.precisions,
            progress=_after(done, len(examples), report),
            checkpoint=kept.with_name(f"{stem}-{at}") if kept else None,
        )
        done += len(half)
        found.append(_candidates(graph, seen, rules))
    noises = np.zeros(len(found[0]))
    for ranges, half in zip(found, reversed(halves), strict=True):
        error = OutputError(graph, spread_examples(half, _MOST_TRIED))
        for at, each in enumerate(ranges):
            noises[at] += error.noise(quantize_graph(graph, each, rules.precisions))
    tolerance_db = min(_TOLERANCE_DB / len(examples), _LARGEST_TOLERANCE_DB)
    enough = noises.min() * 10.0 ** (tolerance_db / 10.0)
    best = int(np.flatnonzero(noises <= enough)[-1])
    joined = _joined([ranges[best] for ranges in found])
    quantized = quantize_graph(graph, joined, rules.precisions)
    return RangeChoice(joined, quantized, float(noises[best]) / len(halves))


def _rung_digest(graph: FloatGraph, rules: RangeRules) -> str:
    """Rungs change the graph, or what of it is in integers: each has a checkpoint of its own."""
    watched = materialised_tensors(graph, rules.precisions)
    return hashlib.sha256(f"{graph_digest(graph)} {watched}".encode()).hexdigest()


def _after(before: int, total: int, report: Progress) -> Progress:
    def tell(done: int, _: int) -> None:
        report(before + done, total)

    return tell


def _halves(examples: Examples) -> list[Examples]:
    count = len(examples)
    if count < _FEWEST_TO_SPLIT:
        return [examples]
    return [SelectedExamples(examples, frozenset(range(first, count, 2))) for first in (0, 1)]


def _joined(parts: list[dict[str, TensorRange]]) -> dict[str, TensorRange]:
    return {
        name: TensorRange(
            min(each[name].low for each in parts), max(each[name].high for each in parts)
        )
        for name in parts[0]
    }


def _candidates(
    graph: FloatGraph, seen: Calibration, rules: RangeRules
) -> list[dict[str, TensorRange]]:
    limits = _limits(graph, rules)
    if rules.options.method is not RangeMethod.AUTO:
        # Who names a method gets it, and nothing that is chosen by the outputs.
        return [_respected(dict(seen), limits, rules)]
    full = _joint_extremes(seen)
    kept = set(graph.inputs) | set(graph.outputs)
    fixed = _prescribed(graph, rules)
    found = [dict(seen), {name: _between(seen[name], full[name]) for name in seen}]
    found += [
        {
            name: seen[name]
            if name in kept
            else _stretched(full[name], 1.0 if name in fixed else room)
            for name in seen
        }
        for room in _ROOMS
    ]
    return [_respected(ranges, limits, rules) for ranges in found]


def _respected(
    ranges: Mapping[str, TensorRange], limits: Mapping[str, TensorRange], rules: RangeRules
) -> dict[str, TensorRange]:
    """The ranges within their limits, and those that are known as they are."""
    return {
        **{name: _within(each, limits.get(name)) for name, each in ranges.items()},
        **{name: each for name, each in rules.known.items() if name in ranges},
    }


def _prescribed(graph: FloatGraph, rules: RangeRules) -> set[str]:
    """Activations whose scale a node prescribes, and those that share it."""
    prescribed = {
        node.outputs[0] for node in graph.nodes if prescribed_params(graph, node) is not None
    }
    groups = same_scale_groups(graph, rules.precisions)
    return {name for name, members in groups.items() if not prescribed.isdisjoint(members)}


def _joint_extremes(seen: Calibration) -> dict[str, TensorRange]:
    """All that was seen of an activation and of those that share its scale."""
    return {
        name: TensorRange(float(each.histogram.edges[0]), float(each.histogram.edges[-1]))
        for name, each in seen.tensors.items()
    }


def _between(chosen: TensorRange, full: TensorRange) -> TensorRange:
    """Half-way, in ratio, from what loses least to all that was seen."""
    return TensorRange(-np.sqrt(chosen.low * full.low), np.sqrt(chosen.high * full.high))


def _stretched(seen: TensorRange, room: float) -> TensorRange:
    return TensorRange(min(0.0, seen.low * room), max(0.0, seen.high * room))


def _within(found: TensorRange, limit: TensorRange | None) -> TensorRange:
    if limit is None:
        return found
    return TensorRange(max(found.low, limit.low), min(found.high, limit.high))


def _limits(graph: FloatGraph, rules: RangeRules) -> dict[str, TensorRange]:
    """Bounds of clipped activations, of what only gates read, and of the inputs of gates.

    What a SiLU or hard-swish reads may be far below 0, where nothing comes of it: batch norm makes
    it about symmetric, and without a floor nearly half of the 256 levels would be spent there.
    """
    alone = {
        name
        for name, members in same_scale_groups(graph, rules.precisions).items()
        if len(members) == 1
    }
    floors = {name: low for name, low in gate_floors(graph).items() if name in alone}
    floors.update(rules.floors)
    limits = {name: TensorRange(low, np.inf) for name, low in floors.items()}
    for node in graph.nodes:
        name = node.outputs[0] if node.outputs else ""
        readers = graph.consumers(name)
        if node.op in {"Clip", "Relu"}:
            limits[name] = TensorRange(*clamp_bounds(graph, node))
        elif (
            readers
            and name not in graph.outputs
            and all(reader.op == "Sigmoid" for reader in readers)
        ):
            limits[name] = TensorRange(-_SIGMOID_REACH, _SIGMOID_REACH)
    return limits
