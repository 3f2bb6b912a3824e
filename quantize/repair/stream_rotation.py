"""Linear streams are carried in another basis, in which eight bits go further.

Where only dense Conv layers write and read a tensor, with nothing but additions between them (the
linear bottlenecks of MobileNet and EfficientNet), its channels may be mixed by any invertible
matrix M: writers compute M W, readers V inverse(M), and the model stays the same at no cost. That
is the rotation of Ashkboos et al. 2024 ("QuaRot") and Liu et al. 2024 ("SpinQuant") for streams of
convolutional networks. M is chosen as in transform coding (Goyal 2001, "Theoretical foundations of
transform coding"): with S the second moment of the stream and G the noise gain of its readers, the
eigenvectors of sqrt(S) G sqrt(S) separate what matters from what does not, and an orthonormal
matrix of even entries then gives every channel its share of everything, which also rounds off rare
peaks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.repair.noise_gain import noise_gains
from quantize.run_examples import Examples, Progress, ignore_progress, run_examples

__all__ = ["Stream", "find_streams", "rotate_streams"]

_PICTURE_RANK = 4
_POSITIONS = 256
_LEAST_SHARE = 1e-3
_LEAST = 1e-12

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stream:
    """Tensors that one matrix changes together.

    Attributes:
        tensors: in graph order.
        writers: layers that write one of them.
        readers: layers that read one of them.
    """

    tensors: tuple[str, ...]
    writers: tuple[Node, ...]
    readers: tuple[Node, ...]


def rotate_streams(
    graph: FloatGraph, examples: Examples, *, progress: Progress | None = None
) -> FloatGraph:
    """Change the basis of every linear stream.

    Args:
        graph: the canonical float graph.
        examples: real inputs, for the streams' second moments.
        progress: told after each example.

    Returns:
        The same nodes with other weights and biases; it computes the same.

    Raises:
        EngineError: onnxruntime failed.
    """
    streams = find_streams(graph)
    if not streams:
        return graph
    moments = _second_moments(graph, streams, examples, progress or ignore_progress)
    gains = noise_gains(graph)
    constants = dict(graph.constants)
    for stream, moment in zip(streams, moments, strict=True):
        reading = np.zeros_like(moment)
        for node in stream.readers:
            after = gains.get(node.outputs[0])
            reading += _reader_gain(constants[node.inputs[1]].astype(np.float64), after)
        matrix, inverse = _basis(moment, reading)
        for node in stream.writers:
            for name in node.inputs[1:]:
                changed = np.tensordot(matrix, constants[name].astype(np.float64), axes=1)
                constants[name] = changed.astype(np.float32)
        for node in stream.readers:
            weights = constants[node.inputs[1]].astype(np.float64)
            mixed = np.moveaxis(np.tensordot(weights, inverse, axes=([1], [0])), -1, 1)
            constants[node.inputs[1]] = np.ascontiguousarray(mixed.astype(np.float32))
    return replace(graph, constants=constants)


def find_streams(graph: FloatGraph) -> list[Stream]:
    """Find the tensors that only dense Conv layers and sums write and read."""
    parent = {name: name for node in graph.nodes for name in node.outputs}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for node in graph.nodes:
        if _is_sum(graph, node):
            for name in node.inputs:
                parent.setdefault(name, name)
                parent[root(name)] = root(node.outputs[0])
    members: dict[str, list[str]] = {}
    for name in parent:
        members.setdefault(root(name), []).append(name)
    found = (_as_stream(graph, names) for names in members.values())
    return [stream for stream in found if stream is not None]


def _is_sum(graph: FloatGraph, node: Node) -> bool:
    shape = graph.shapes[node.outputs[0]]
    return node.op == "Add" and all(
        name not in graph.constants and graph.shapes[name] == shape for name in node.inputs
    )


def _is_dense(node: Node) -> bool:
    return node.op == "Conv" and int(node.attributes.get("group", 1)) == 1


def _as_stream(graph: FloatGraph, names: list[str]) -> Stream | None:
    if any(name in graph.outputs or len(graph.shapes[name]) != _PICTURE_RANK for name in names):
        return None
    inside = set(names)
    writers: list[Node] = []
    readers: list[Node] = []
    for name in names:
        writer = graph.producer(name)
        if writer is None or not (_is_dense(writer) or _is_sum(graph, writer)):
            return None
        if writer.op == "Conv":
            writers.append(writer)
        for reader in graph.consumers(name):
            if reader.op == "Conv" and _is_dense(reader):
                readers.append(reader)
            elif not (_is_sum(graph, reader) and inside.issuperset(reader.inputs)):
                return None
    if not readers:
        return None
    return Stream(tuple(names), tuple(writers), tuple(readers))


def _second_moments(
    graph: FloatGraph, streams: list[Stream], examples: Examples, report: Progress
) -> list[Matrix]:
    """Of each stream, the mean over its tensors; (channels, channels)."""
    names = [name for stream in streams for name in stream.tensors]
    sums: dict[str, Matrix] = {}
    for done, found in enumerate(run_examples(graph, examples, names), start=1):
        for name in names:
            values = found[name].reshape(graph.shapes[name][1], -1)
            sample = values[:, :: max(1, values.shape[1] // _POSITIONS)].astype(np.float64)
            sums[name] = sums.get(name, 0.0) + sample @ sample.T / sample.shape[1]
        report(done, len(examples))
    count = max(len(examples), 1)
    return [
        np.asarray(sum(sums[name] for name in stream.tensors)) / (count * len(stream.tensors))
        for stream in streams
    ]


def _reader_gain(weights: Matrix, after: NDArray[np.float64] | None) -> Matrix:
    """V' diag(gain) V, summed over the kernel's positions; (channels, channels)."""
    flat = weights.reshape(*weights.shape[:2], -1)
    if after is not None:
        flat = flat * np.sqrt(after)[:, None, None]
    found: Matrix = np.einsum("ock,odk->cd", flat, flat, optimize=True)
    return found


def _basis(moment: Matrix, gain: Matrix) -> tuple[Matrix, Matrix]:
    """The change of basis and its inverse, in float64."""
    count = len(moment)
    powers, axes = np.linalg.eigh(moment)
    sizes = np.sqrt(np.maximum(powers, powers[-1] * _LEAST_SHARE**2 + _LEAST))
    root, unroot = (axes * sizes) @ axes.T, (axes / sizes) @ axes.T
    shares, turns = np.linalg.eigh(root @ gain @ root)
    shares = np.maximum(shares, shares[-1] * _LEAST_SHARE + _LEAST)
    weights = (shares / shares[-1]) ** 0.25
    angles = 2.0 * np.pi * np.outer(np.arange(count), np.arange(count)) / count
    even = (np.cos(angles) + np.sin(angles)) / np.sqrt(count)
    matrix = (even * weights) @ turns.T @ unroot
    inverse = root @ (turns / weights) @ even.T
    return matrix, inverse
