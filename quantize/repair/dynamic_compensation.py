"""Weights of DYNAMIC layers rounded one by one, each making up for those before it.

As `error_compensation` does for INT8 layers (Frantar et al. 2022, "GPTQ: Accurate Post-Training
Quantization for Generative Pre-trained Transformers", algorithm 1), on what the float graph gives
the layers: their activations are not fixed by calibration, and what the layers before lose is the
engine's. A recurrent layer multiplies its state too, whose rows are the outputs of the step before.
Nothing but the integers changes: the second moments are taken about zero, so that the mean error
is kept small without a bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import Precision, QuantizedGraph, QuantizedWeight
from quantize.raw_inputs import integer_weights
from quantize.repair.error_compensation import round_columns
from quantize.repair.selected_examples import spread_examples
from quantize.run_examples import Examples, Progress, Tensors, ignore_progress, run_examples

__all__ = ["compensate_dynamic"]

_MOST_EXAMPLES = 64
_BUDGET_BYTES = 256 * 2**20
"""Of the second moments held at once; layers beyond it wait for another walk of the examples."""

_RECURRENCE, _STATE = 2, 5

Moments = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Site:
    """One integer weight and what it multiplies.

    Attributes:
        node: its DYNAMIC layer.
        at: position of the weight among the layer's inputs.
        is_state: whether it multiplies the layer's own state.
    """

    node: Node
    at: int
    is_state: bool

    @property
    def weight(self) -> str:
        """Its name."""
        return self.node.inputs[self.at]

    @property
    def tensors(self) -> tuple[str, ...]:
        """The activations that its rows are made of."""
        if not self.is_state:
            return (self.node.inputs[0],)
        initial = self.node.inputs[_STATE] if len(self.node.inputs) > _STATE else ""
        return (self.node.outputs[0], initial) if initial else (self.node.outputs[0],)


def compensate_dynamic(
    quantized: QuantizedGraph, examples: Examples, *, progress: Progress | None = None
) -> QuantizedGraph:
    """Round the weights of every DYNAMIC layer.

    Args:
        quantized: where to start; scales stay.
        examples: real inputs, of which at most 64, evenly spread, are looked at.
        progress: told after each weight.

    Returns:
        The same graph with other integer weights; itself where no layer is DYNAMIC.

    Raises:
        EngineError: onnxruntime failed.
    """
    sites = list(_sites(quantized))
    report = progress or ignore_progress
    chosen = spread_examples(examples, _MOST_EXAMPLES) if sites else []
    weights = dict(quantized.weights)
    done = 0
    for batch in _batches(quantized.graph, sites):
        moments = _second_moments(quantized.graph, batch, chosen)
        for site in batch:
            weights[site.weight] = _rounded(quantized, site, moments[_key(site)])
            done += 1
            report(done, len(sites))
    return replace(quantized, weights=weights)


def _sites(quantized: QuantizedGraph) -> Iterator[_Site]:
    graph = quantized.graph
    for node in graph.nodes:
        if quantized.precision(node) is not Precision.DYNAMIC:
            continue
        for at in integer_weights(graph, node):
            yield _Site(node, at, is_state=at == _RECURRENCE)


def _key(site: _Site) -> str:
    """Layers that read the same tensor share its moments; a state is its layer's own."""
    return f"{site.node.name}/state" if site.is_state else site.node.inputs[0]


def _batches(graph: FloatGraph, sites: Sequence[_Site]) -> Iterator[list[_Site]]:
    batch: list[_Site] = []
    sizes: dict[str, int] = {}
    for site in sites:
        sizes[_key(site)] = 8 * graph.shape(site.weight)[-1] ** 2
        if batch and sum(sizes.values()) > _BUDGET_BYTES:
            yield batch
            batch, sizes = [], {_key(site): sizes[_key(site)]}
        batch.append(site)
    if batch:
        yield batch


def _second_moments(
    graph: FloatGraph, sites: Sequence[_Site], examples: list[Tensors]
) -> dict[str, Moments]:
    """(groups, columns, columns) by `_key`: mean product of any two columns of the rows."""
    names = list(dict.fromkeys(name for site in sites for name in site.tensors))
    by_key = {_key(site): site for site in sites}
    sums: dict[str, Moments] = {}
    computed = [name for name in names if name not in graph.constants]
    for tensors in run_examples(graph, examples, computed):
        for key, site in by_key.items():
            rows = _rows(graph, site, tensors).astype(np.float64)
            product = rows.transpose(0, 2, 1) @ rows / rows.shape[1]
            sums[key] = sums[key] + product if key in sums else product
    return {key: each / max(1, len(examples)) for key, each in sums.items()}


def _rows(graph: FloatGraph, site: _Site, tensors: Tensors) -> NDArray[np.float32]:
    """(groups, rows, columns): for a state the one before each step, a group a direction."""
    values: Mapping[str, NDArray[np.float32]] = {
        name: graph.constants[name] if name in graph.constants else tensors[name]
        for name in site.tensors
    }
    if not site.is_state:
        found: NDArray[np.float32] = values[site.tensors[0]]
        return found.reshape(1, -1, found.shape[-1])
    hidden = values[site.tensors[0]]
    steps, directions, batch, width = hidden.shape
    first = np.zeros((directions, batch, width), np.float32)
    if len(site.tensors) > 1:
        first = values[site.tensors[1]]
    direction = str(site.node.attributes.get("direction", "forward"))
    runs = []
    for at in range(directions):
        is_reversed = direction == "reverse" or at == 1
        ahead = hidden[1:, at] if is_reversed else hidden[: steps - 1, at]
        runs.append(np.concatenate([first[None, at], ahead]).reshape(-1, width))
    return np.stack(runs)


def _rounded(quantized: QuantizedGraph, site: _Site, moments: Moments) -> QuantizedWeight:
    weights = quantized.graph.constants[site.weight].astype(np.float64)
    scale = quantized.weights[site.weight].scale
    wide = weights.reshape(-1, *weights.shape[-2:])
    groups = len(wide)
    covariance = np.broadcast_to(moments, (groups, *moments.shape[1:]))
    integers = round_columns(wide, covariance, scale.reshape(groups, -1))
    return QuantizedWeight(integers.reshape(weights.shape), scale)
