"""The worst activations, or the first layers, are left in float.

Sensitivity is measured, not guessed: each candidate is tried in the whole network, and the one
that takes most noise from the outputs for the work it leaves in float goes first (as the
sensitivity lists of Wu et al. 2020, "Integer Quantization for Deep Learning Inference", section
6.1, but greedy and with a bound on the work). What the first layers lose all others carry on: of
smooth pictures their rounding errors are alike over whole regions and do not average out.
"""

from __future__ import annotations

from dataclasses import replace

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.repair.float_beginning import find_beginnings
from quantize.repair.noise_gain import noise_gains
from quantize.repair.output_error import OutputError
from quantize.repair.shortcut_folding import multiplications
from quantize.run_examples import Progress, ignore_progress

__all__ = ["leave_first_in_float", "leave_in_float"]

_CANDIDATES = 8
_ROUNDS = 4
_LEAST_GAIN = 0.02


def leave_in_float(
    quantized: QuantizedGraph,
    error: OutputError,
    *,
    most_share: float = 0.1,
    progress: Progress | None = None,
) -> QuantizedGraph:
    """Leave the layers around the worst activations in float.

    Args:
        quantized: the graph.
        error: measures on examples.
        most_share: of all multiplications, what may end up in float, 0 to 1.
        progress: told after each trial.

    Returns:
        The graph with other precisions; the same where nothing helps within the bound.

    Raises:
        EngineError: onnxruntime failed.
    """
    report = progress or ignore_progress
    work = multiplications(quantized.graph)
    total = max(1, sum(work.values()))
    best, least = quantized, error.noise(quantized)
    done = 0
    for _ in range(_ROUNDS):
        gains: list[tuple[float, float, QuantizedGraph]] = []
        for name in _noisiest(best):
            trial = _with_float_around(best, name)
            done += 1
            report(done, _ROUNDS * _CANDIDATES)
            share = _float_work(trial, work) / total
            if share > most_share:
                continue
            noise = error.noise(trial)
            added = share - _float_work(best, work) / total
            gains.append(((least - noise) / (added + 1.0 / total), noise, trial))
        if not gains:
            break
        _, noise, trial = max(gains, key=lambda each: each[0])
        if noise > least * (1.0 - _LEAST_GAIN):
            break
        best, least = trial, noise
    return best


def leave_first_in_float(quantized: QuantizedGraph, *, most_share: float = 0.1) -> QuantizedGraph:
    """Leave the layers from the inputs on in float, as far as their share goes.

    Args:
        quantized: the graph.
        most_share: of all multiplications, what may end up in float, 0 to 1.

    Returns:
        The graph with other precisions; the same where even the first layers are more.
    """
    work = multiplications(quantized.graph)
    found = quantized
    for nodes in find_beginnings(quantized.graph, most_share):
        floats = {
            node.name: Precision.FLOAT
            for node in nodes
            if quantized.precision(node) is Precision.INT8
        }
        wider = replace(quantized, precisions={**quantized.precisions, **floats})
        if not floats or _float_work(wider, work) > most_share * sum(work.values()):
            continue
        found = wider
    return found


def _float_work(quantized: QuantizedGraph, work: dict[str, int]) -> int:
    return sum(
        work.get(node.name, 0)
        for node in quantized.graph.nodes
        if quantized.precision(node) is Precision.FLOAT
    )


def _noisiest(quantized: QuantizedGraph) -> list[str]:
    """Activations between integer nodes, by the rounding noise expected at the outputs."""
    gains = noise_gains(quantized.graph)
    expected: dict[str, float] = {}
    for node in quantized.graph.nodes:
        name = node.outputs[0]
        params = quantized.activations.get(name)
        if params is None or name not in gains:
            continue
        if quantized.precision(node) is Precision.INT8:
            expected[name] = float(gains[name].sum()) * params.scale**2
    return sorted(expected, key=lambda name: (-expected[name], name))[:_CANDIDATES]


def _with_float_around(quantized: QuantizedGraph, name: str) -> QuantizedGraph:
    graph = quantized.graph
    around = [*graph.consumers(name)]
    producer = graph.producer(name)
    if producer is not None:
        around.append(producer)
    chosen = dict(quantized.precisions)
    for node in around:
        for each in _unit(graph, node):
            if Precision.FLOAT in OPERATORS[each.op].precisions:
                chosen[each.name] = Precision.FLOAT
    return replace(quantized, precisions=chosen)


def _unit(graph: FloatGraph, node: Node) -> list[Node]:
    """A node, and what is fused with it."""
    fused = fused_activations(graph)
    after = fused.get(node.outputs[0])
    before = [each for each in graph.nodes if fused.get(each.outputs[0]) is node]
    return [node, *before, *([after] if after is not None else [])]
