"""Which channels of which activations have to be scaled together, so that a graph stays the same.

A Conv or Gemm can write its output channels larger and divide its input channels back, so a factor
for each channel is free between writers and readers (Nagel et al. 2019, "Data-Free Quantization
Through Weight Equalization and Bias Correction", section 4.1, there for pairs of layers). Between
them stand operators that pass a factor through: Relu, pooling, a gate's product, Add (one factor
for both operands), Concat (the factors side by side). Channels bound to each other in this way form
a class with one factor; a class that touches anything else is fixed at 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.operators.clamp import clamp_bounds

__all__ = ["ChannelGroups", "find_channel_groups"]

_PASSING = frozenset({"AveragePool", "GlobalAveragePool", "MaxPool", "Relu"})
_LAYERS = frozenset({"Conv", "Gemm"})
_PICTURE_RANK = 4
_ROW_RANK = 2

Classes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ChannelGroups:
    """The classes of a graph's channels.

    Attributes:
        classes: (channels,) class of each channel, by tensor of rank 2 or 4.
        is_free: (number of classes,) whether a class may have another factor than 1.
        caps: upper bound of the Clip that writes a tensor, by tensor; its low bound is 0.
    """

    classes: dict[str, Classes]
    is_free: NDArray[np.bool_]
    caps: dict[str, float]

    def free_tensors(self) -> list[str]:
        """The tensors with at least one free channel, in graph order."""
        return [name for name, each in self.classes.items() if self.is_free[each].any()]


def find_channel_groups(graph: FloatGraph) -> ChannelGroups:
    """Find the classes of all channels (axis 1) of activations of rank 2 and 4."""
    finder = _Finder(graph)
    for node in graph.nodes:
        finder.see(node)
    for name in (*graph.inputs, *graph.outputs):
        finder.fix(name)
    return finder.finish()


class _Finder:
    def __init__(self, graph: FloatGraph) -> None:
        self._graph = graph
        self._first: dict[str, int] = {}
        self._edges: list[tuple[Classes, Classes]] = []
        self._fixed: list[Classes] = []
        self._caps: dict[str, float] = {}
        count = 0
        for name in (*graph.inputs, *(name for node in graph.nodes for name in node.outputs)):
            if name and graph.is_float(name) and len(graph.shapes[name]) in {2, 4}:
                self._first[name] = count
                count += graph.shapes[name][1]
        self._count = count

    def see(self, node: Node) -> None:
        """Bind or fix what one node reads and writes."""
        rules: dict[str, Callable[[Node], bool]] = {
            "Add": self._see_add,
            "Clip": self._see_clip,
            "Concat": self._see_concat,
            "Mul": self._see_mul,
            "Reshape": self._see_reshape,
            "Pad": self._see_pad,
        }
        if node.op in _LAYERS:
            return
        if node.op in _PASSING:
            self._bind(node.inputs[0], node.outputs[0])
        elif node.op not in rules or not rules[node.op](node):
            for name in (*node.inputs, *node.outputs):
                self.fix(name)

    def fix(self, name: str) -> None:
        """Hold all channels of a tensor at factor 1."""
        if name in self._first:
            self._fixed.append(self._ids(name))

    def finish(self) -> ChannelGroups:
        labels = _components(self._count, self._edges)
        _, numbers = np.unique(labels, return_inverse=True)
        is_free = np.ones(int(numbers.max(initial=-1)) + 1, dtype=bool)
        for each in self._fixed:
            is_free[numbers[each]] = False
        classes = {name: numbers[self._ids(name)] for name in self._first}
        return ChannelGroups(classes=classes, is_free=is_free, caps=self._caps)

    def _ids(self, name: str) -> Classes:
        first = self._first[name]
        return np.arange(first, first + self._graph.shapes[name][1])

    def _bind(self, one: str, other: str) -> bool:
        if one not in self._first or other not in self._first:
            return False
        if self._graph.shapes[one][1] != self._graph.shapes[other][1]:
            return False
        self._edges.append((self._ids(one), self._ids(other)))
        return True

    def _see_add(self, node: Node) -> bool:
        one, other = node.inputs
        if one in self._graph.constants or other in self._graph.constants:
            return False
        return self._bind(one, node.outputs[0]) and self._bind(other, node.outputs[0])

    def _see_clip(self, node: Node) -> bool:
        low, high = clamp_bounds(self._graph, node)
        if low not in {0.0, -np.inf} or (low != 0.0 and np.isfinite(high)):
            return False
        if np.isfinite(high):
            self._caps[node.outputs[0]] = high
        return self._bind(node.inputs[0], node.outputs[0])

    def _see_concat(self, node: Node) -> bool:
        shape = self._graph.shapes[node.outputs[0]]
        if int(node.attributes.get("axis", 0)) % len(shape) != 1:
            return False
        if any(name not in self._first for name in (*node.inputs, *node.outputs)):
            return False
        parts = np.concatenate([self._ids(name) for name in node.inputs])
        self._edges.append((parts, self._ids(node.outputs[0])))
        return True

    def _see_mul(self, node: Node) -> bool:
        constants = self._graph.constants
        activations = [name for name in node.inputs if name not in constants]
        if len(activations) == 1:
            constant = next(name for name in node.inputs if name in constants)
            is_scalar = constants[constant].size == 1
            return is_scalar and self._bind(activations[0], node.outputs[0])
        if node.inputs[0] == node.inputs[1]:
            return False
        gate = self._gate(node)
        value = next(name for name in node.inputs if name != gate)
        if not self._bind(value, node.outputs[0]):
            return False
        self.fix(gate)
        return True

    def _gate(self, node: Node) -> str:
        """The operand of a product that keeps its size: the bounded one, else the second."""
        return next((name for name in node.inputs if self._is_bounded(name)), node.inputs[1])

    def _is_bounded(self, name: str) -> bool:
        producer = self._graph.producer(name)
        if producer is None:
            return False
        if producer.op == "Mul":
            held = [each for each in producer.inputs if each not in self._graph.constants]
            return len(held) == 1 and self._is_bounded(held[0])
        if producer.op == "Clip":
            return bool(np.isfinite(clamp_bounds(self._graph, producer)[1]))
        return producer.op == "Sigmoid"

    def _see_reshape(self, node: Node) -> bool:
        """Only what turns [N, C, 1, 1] into [N, C] and back keeps channels where they are."""
        shapes = [self._graph.shapes.get(name, ()) for name in (node.inputs[0], node.outputs[0])]
        kept = [shape[:2] for shape in shapes]
        if kept[0] != kept[1] or any(size != 1 for shape in shapes for size in shape[2:]):
            return False
        return self._bind(node.inputs[0], node.outputs[0])

    def _see_pad(self, node: Node) -> bool:
        pads = self._graph.constants[node.inputs[1]]
        rank = len(self._graph.shapes[node.outputs[0]])
        is_channel_padded = rank > 1 and bool(pads[1] or pads[rank + 1])
        return not is_channel_padded and self._bind(node.inputs[0], node.outputs[0])


def _components(count: int, edges: Iterable[tuple[Classes, Classes]]) -> Classes:
    """Label each element with the smallest one that it is connected to."""
    labels = np.arange(count)
    pairs = list(edges)
    if not pairs:
        return labels
    one = np.concatenate([each[0] for each in pairs])
    other = np.concatenate([each[1] for each in pairs])
    while True:
        before = labels.copy()
        least = np.minimum(labels[one], labels[other])
        np.minimum.at(labels, one, least)
        np.minimum.at(labels, other, least)
        labels = labels[labels]
        if np.array_equal(labels, before):
            return labels
