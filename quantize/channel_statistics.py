"""What the channels of activations are like, over examples, in one streamed pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from quantize.graph import FloatGraph, Node
from quantize.run_examples import Examples, Progress, ignore_progress, run_examples

__all__ = ["ChannelStatistics", "measure_channels"]

_SPATIAL = (2, 3)


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """One value a channel (axis 1), each of shape (channels,), float64.

    Attributes:
        peak: largest absolute value.
        variance: over examples and positions.
    """

    peak: NDArray[np.float64]
    variance: NDArray[np.float64]


class _Sums:
    def __init__(self) -> None:
        self.peak: NDArray[np.float64] | float = 0.0
        self.mean: NDArray[np.float64] | float = 0.0
        self.square: NDArray[np.float64] | float = 0.0
        self.count = 0


def measure_channels(
    graph: FloatGraph,
    examples: Examples,
    names: Sequence[str],
    *,
    progress: Progress | None = None,
) -> dict[str, ChannelStatistics]:
    """Measure the channels of some activations.

    The sums over positions are taken inside the graph, so that only one value a channel leaves
    it.

    Args:
        graph: the float graph.
        examples: its inputs.
        names: activations (batch, channels, height, width).
        progress: told after each example.

    Returns:
        Statistics by activation.

    Raises:
        InputError: an activation is NaN or infinite.
        EngineError: onnxruntime failed.
    """
    if not names:
        return {}
    report = progress or ignore_progress
    sums = {name: _Sums() for name in names}
    probed, outputs = _with_probes(graph, names)
    for done, found in enumerate(run_examples(probed, examples, outputs), start=1):
        for name, each in sums.items():
            peak, mean, square = (
                found[f"{name}/{kind}"].reshape(-1).astype(np.float64)
                for kind in ("peak", "mean", "square")
            )
            if not np.isfinite(square).all():
                raise InputError(
                    f"activation '{name}' is not finite on example {done}; "
                    "check the model and the preprocessing"
                )
            each.peak = np.maximum(each.peak, peak)
            each.mean, each.square = each.mean + mean, each.square + square
            each.count += 1
        report(done, len(examples))
    return {
        name: ChannelStatistics(
            peak=np.asarray(each.peak),
            variance=np.maximum(
                np.asarray(each.square) / each.count - np.square(each.mean / each.count), 0.0
            ),
        )
        for name, each in sums.items()
    }


def _with_probes(graph: FloatGraph, names: Sequence[str]) -> tuple[FloatGraph, list[str]]:
    nodes = list(graph.nodes)
    shapes = dict(graph.shapes)
    outputs: list[str] = []
    reduced = {"axes": _SPATIAL, "keepdims": 1}
    for name in names:
        absolute, squared = f"{name}/absolute", f"{name}/squared"
        peak, mean, square = f"{name}/peak", f"{name}/mean", f"{name}/square"
        nodes += [
            Node("Abs", (name,), (absolute,), {}, absolute),
            Node("ReduceMax", (absolute,), (peak,), reduced, peak),
            Node("ReduceMean", (name,), (mean,), reduced, mean),
            Node("Mul", (name, name), (squared,), {}, squared),
            Node("ReduceMean", (squared,), (square,), reduced, square),
        ]
        small = (*graph.shapes[name][:2], 1, 1)
        shapes.update({absolute: graph.shapes[name], squared: graph.shapes[name]})
        shapes.update({peak: small, mean: small, square: small})
        outputs += [peak, mean, square]
    probed = replace(graph, nodes=tuple(nodes), shapes=shapes)
    return probed, outputs
