"""Loud channels of activations made quieter, and their weights louder.

A few channels of a transformer's activations are far larger than the rest, and 8 bits for the whole
tensor leave little for the others. A factor for each channel, s = max|x|^a / max|w|^(1 - a), moves
that size into the weights, which have a scale a row: x / s comes for free from the parameters of
the LayerNormalization or product before, s goes into the columns of the products after (Xiao et al.
2023, "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models",
equations 3 and 4). How much is moved, a, is searched for each group of products that read the same
tensor, by the error of their outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.quantized_graph import Precision
from quantize.repair.channel_readers import Reader, find_readers
from quantize.repair.selected_examples import spread_examples
from quantize.run_examples import Examples, Progress, Tensors, ignore_progress, run_examples
from quantize.uniform import quantize_weight, weight_scales

__all__ = ["smooth"]

_STRENGTHS = (0.3, 0.45, 0.6, 0.75, 0.9)
_MOST_LEFT = 0.8
"""Of the error, at most, that may be left, or a group stays as it is: smaller gains are chance."""

_SMALLEST = 1e-5
"""Of the largest channel: a channel that is always 0 gets a factor too."""

_STEPS = 255
_MOST_EXAMPLES = 16
_MOST_ROWS = 32  # of an example, by which the error is measured
_BUDGET_BYTES = 256 * 2**20

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Group:
    """A writer of channels and the products that read them."""

    writer: Node
    readers: tuple[Reader, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The tensors that the products read."""
        return tuple(dict.fromkeys(each.node.inputs[0] for each in self.readers))


def smooth(
    graph: FloatGraph,
    examples: Examples,
    precisions: Mapping[str, Precision],
    *,
    progress: Progress | None = None,
) -> FloatGraph:
    """Smooth the inputs of all DYNAMIC products.

    Args:
        graph: the float graph.
        examples: real inputs, of which at most 16, evenly spread, are looked at.
        precisions: by node name; INT8 for those not named.
        progress: told after each group.

    Returns:
        A float graph that computes the same; itself where nothing is gained.

    Raises:
        EngineError: onnxruntime failed.
    """
    groups = list(_groups(graph, precisions))
    chosen = spread_examples(examples, _MOST_EXAMPLES) if groups else []
    draft = GraphDraft(graph)
    report = progress or ignore_progress
    done, is_changed = 0, False
    for batch in _batches(graph, groups, len(chosen)):
        names = list(dict.fromkeys(name for group in batch for name in group.sources))
        seen = list(run_examples(graph, chosen, names))
        for group in batch:
            factors = _best_factors(draft, group, seen)
            if factors is not None:
                _fold(draft, group, factors)
                is_changed = True
            done += 1
            report(done, len(groups))
    return draft.finish() if is_changed else graph


def _groups(graph: FloatGraph, precisions: Mapping[str, Precision]) -> Iterator[_Group]:
    for node in graph.nodes:
        if node.op == "LayerNormalization":
            is_writer = all(name in graph.constants for name in node.inputs[1:])
        else:
            is_writer = node.op == "Gemm"
        readers = find_readers(graph, node) if is_writer else ()
        if readers and all(precisions.get(each.node.name) is Precision.DYNAMIC for each in readers):
            yield _Group(node, readers)


def _batches(graph: FloatGraph, groups: Sequence[_Group], count: int) -> Iterator[list[_Group]]:
    batch: list[_Group] = []
    size = 0
    for group in groups:
        own = sum(4 * count * prod(graph.shapes[name]) for name in group.sources)
        if batch and size + own > _BUDGET_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(group)
        size += own
    if batch:
        yield batch


def _best_factors(
    draft: GraphDraft, group: _Group, examples: Sequence[Tensors]
) -> NDArray[np.float32] | None:
    """(channels,) by which activations are divided; None where none is better."""
    loudness, weight = _peaks(draft, group, examples)
    best, least = None, _MOST_LEFT * _error(draft, group, examples, np.ones_like(loudness))
    for strength in _STRENGTHS:
        factors = loudness**strength / weight ** (1.0 - strength)
        factors /= np.exp(np.log(factors).mean())
        error = _error(draft, group, examples, factors)
        if error < least:
            best, least = factors, error
    return None if best is None else best.astype(np.float32)


def _peaks(draft: GraphDraft, group: _Group, examples: Sequence[Tensors]) -> tuple[Array, Array]:
    """(channels,) largest |activation| and largest |weight| of each channel, > 0."""
    width = draft.shape(group.writer.outputs[0])[-1]
    loudness, weight = np.zeros(width), np.zeros(width)
    for reader in group.readers:
        columns = np.abs(_weights(draft, reader)).max(axis=0)
        np.maximum.at(weight, reader.channels, columns)
        for tensors in examples:
            rows = np.abs(tensors[reader.node.inputs[0]]).max(axis=0)
            np.maximum.at(loudness, reader.channels, rows)
    found = [np.maximum(each, _SMALLEST * max(each.max(), 1e-30)) for each in (loudness, weight)]
    return found[0], found[1]


def _error(draft: GraphDraft, group: _Group, examples: Sequence[Tensors], factors: Array) -> float:
    """Summed squared error of the products' outputs, in units of each one's own power."""
    total = 0.0
    for reader in group.readers:
        by_column = factors[reader.channels].astype(np.float32)
        exact = _weights(draft, reader)
        loud = exact * by_column
        integers = quantize_weight(loud, weight_scales(loud))
        weights = integers.values.astype(np.float32) * integers.scale[:, None]
        noise = power = 0.0
        for tensors in examples:
            rows = tensors[reader.node.inputs[0]]
            wanted = _some(rows) @ exact.T
            for axis in (None, 1):
                found = _rounded(rows / by_column, axis) @ weights.T
                noise += float(np.square(found - wanted).sum())
            power += float(np.square(wanted).sum())
        total += noise / max(power, 1e-30)
    return total


def _rounded(rows: NDArray[np.float32], axis: int | None) -> NDArray[np.float32]:
    """Some rows of a product's input as engines take them.

    onnxruntime has one scale for the whole input, LiteRT one a row.

    Args:
        rows: (rows, columns).
        axis: over which a scale is shared; None for all.
    """
    low = np.minimum(rows.min(axis=axis, keepdims=True), 0.0)
    high = np.maximum(rows.max(axis=axis, keepdims=True), 0.0)
    if axis is not None:
        low, high = _some(low), _some(high)
    scale = np.maximum((high - low) / _STEPS, np.float32(1e-30))
    zero_point = np.rint(-low / scale)
    steps = np.clip(np.rint(_some(rows) / scale) + zero_point, 0, _STEPS)
    found: NDArray[np.float32] = (steps - zero_point) * scale
    return found


def _some(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Evenly spread rows, the same ones of every tensor of as many."""
    return rows[:: -(-len(rows) // _MOST_ROWS)]


def _fold(draft: GraphDraft, group: _Group, factors: NDArray[np.float32]) -> None:
    """Divide what the writer writes, and multiply the columns that read it."""
    writer = _current(draft, group.writer)
    column = factors[:, None] if writer.op == "Gemm" else factors
    inputs = [writer.inputs[0]]
    for name, each in zip(writer.inputs[1:], (column, factors), strict=False):
        inputs.append(draft.add_constant(f"{name}/smooth", draft.constants[name] / each))
    draft.replace(writer, replace(writer, inputs=tuple(inputs)))
    for reader in group.readers:
        node = _current(draft, reader.node)
        source, weight, *bias = node.inputs
        loud = draft.constants[weight] * factors[reader.channels]
        inputs = [source, draft.add_constant(f"{weight}/smooth", loud), *bias]
        draft.replace(node, replace(node, inputs=tuple(inputs)))


def _weights(draft: GraphDraft, reader: Reader) -> NDArray[np.float32]:
    found: NDArray[np.float32] = draft.constants[_current(draft, reader.node).inputs[1]]
    return found


def _current(draft: GraphDraft, node: Node) -> Node:
    """A node as groups before have left it."""
    found = draft.producer(node.outputs[0])
    assert found is not None  # noqa: S101 - nodes are only replaced, and write what they wrote
    return found
