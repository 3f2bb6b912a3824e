"""The first layers stay in float where the noise of the answers begins there, and little work is.

The pictures of a network's first layers are large and smooth: what rounding does to one value it
does to a whole region, so that pooling does not average it out, and every layer behind carries it
on. On EfficientNet-B0 and MobileNetV3 half of the noise at the outputs comes from the first two
blocks, with a tenth of the multiplications; and these are expansions and depthwise layers on wide
pictures, bound by memory, at which integer kernels gain little or nothing. To keep first layers in
higher precision is old practice (Zhou et al. 2016, "DoReFa-Net", section 3; Krishnamoorthi 2018,
"Quantizing deep convolutional networks for efficient inference: A whitepaper"); how many is
measured here (as Wu et al. 2020, "Integer Quantization for Deep Learning Inference", section 6.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.repair.output_error import OutputError
from quantize.repair.shortcut_folding import multiplications
from quantize.run_examples import Progress, ignore_progress

__all__ = ["find_beginnings", "leave_beginning_in_float"]

_MOST_SHARE = 0.12
_ENOUGH_DB = 22.0
"""Answers this near to the float model's are left as they are: float layers cost a dense network
time."""

_LEAST_GAIN_DB = 1.0
_TOLERANCE_DB = 0.5


@dataclass(frozen=True, slots=True)
class _Trial:
    quantized: QuantizedGraph
    snr_db: float


def leave_beginning_in_float(
    quantized: QuantizedGraph,
    error: OutputError,
    *,
    most_share: float = _MOST_SHARE,
    progress: Progress | None = None,
) -> QuantizedGraph:
    """Compute the graph up to one tensor in float.

    Args:
        quantized: the graph.
        error: measures on examples.
        most_share: of all multiplications, what may end up in float, 0 to 1.
        progress: told after each trial.

    Returns:
        The graph with the shortest beginning in float that is within half a decibel of the best;
        the same graph where its answers are near enough already, or none gains a decibel.

    Raises:
        EngineError: onnxruntime failed.
    """
    before = error.snr_db(quantized)
    if before >= _ENOUGH_DB:
        return quantized
    report = progress or ignore_progress
    beginnings = list(find_beginnings(quantized.graph, most_share))
    trials: list[_Trial] = []
    for done, nodes in enumerate(beginnings, start=1):
        floats = {node.name: Precision.FLOAT for node in nodes}
        trial = replace(quantized, precisions={**quantized.precisions, **floats})
        trials.append(_Trial(trial, error.snr_db(trial)))
        report(done, len(beginnings))
    best = max((trial.snr_db for trial in trials), default=before)
    if best < before + _LEAST_GAIN_DB:
        return quantized
    return next(trial.quantized for trial in trials if trial.snr_db >= best - _TOLERANCE_DB)


def find_beginnings(
    graph: FloatGraph, most_share: float = _MOST_SHARE
) -> Iterator[tuple[Node, ...]]:
    """Find the sets of first nodes that all else reads one tensor of.

    Args:
        graph: nodes in an order they can run in.
        most_share: of all multiplications, what a beginning may have, 0 to 1.

    Yields:
        From short to long, those with at least one layer; an activation stays with its host.
    """
    work = multiplications(graph)
    bound = most_share * sum(work.values())
    inside = fused_activations(graph)
    last = {name: at for at, node in enumerate(graph.nodes) for name in node.inputs}
    alive, done = set(graph.inputs), 0
    for at, node in enumerate(graph.nodes):
        done += work.get(node.name, 0)
        if done > bound or Precision.FLOAT not in OPERATORS[node.op].precisions:
            return
        alive.update(name for name in node.outputs if name)
        alive = {name for name in alive if last.get(name, -1) > at or name in graph.outputs}
        if done and len(alive) == 1 and alive.isdisjoint((*inside, *graph.outputs)):
            yield graph.nodes[: at + 1]
