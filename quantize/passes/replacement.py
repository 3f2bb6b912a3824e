"""Several nodes in place of one, written without counting names and shapes by hand."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import Node
from quantize.graph_draft import GraphDraft

__all__ = ["Replacement"]

_ANSWERS_BOOL = frozenset(
    {"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or"}
)

Shape = tuple[int, ...]


class Replacement:
    """Collects nodes in topological order; `finish` puts them where the node stands."""

    def __init__(self, draft: GraphDraft, node: Node) -> None:
        self._draft = draft
        self._node = node
        self._nodes: list[Node] = []
        self._made = 0

    def constant(self, values: Any, dtype: Any = np.float32, hint: str = "constant") -> str:
        """A new constant; returns its name."""
        array: NDArray[Any] = np.array(values, dtype=dtype)
        return self._draft.add_constant(f"{self._node.name}/{hint}", array)

    def add(
        self,
        op: str,
        *inputs: str,
        shape: Shape | None = None,
        dtype: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """A node before the last.

        Args:
            op: operator name.
            inputs: tensors that it reads.
            shape: of its output; that to which the inputs broadcast if not given.
            dtype: of its output; bool for comparisons and that of the first input if not given.
            attributes: of the node.

        Returns:
            The name of its output.
        """
        if shape is None:
            shape = np.broadcast_shapes(*(self._draft.shape(name) for name in inputs if name))
        if dtype is None:
            dtype = "bool" if op in _ANSWERS_BOOL else self._draft.dtype(inputs[0])
        self._made += 1
        label = f"{self._node.name}/{op.lower()}{self._made}"
        output = self._draft.add_tensor(label, tuple(int(size) for size in shape), dtype)
        self._nodes.append(Node(op, inputs, (output,), dict(attributes or {}), label))
        return output

    def reshape(self, source: str, shape: Shape) -> str:
        """A Reshape before the last; nothing where the shape is that already."""
        if self._draft.shape(source) == tuple(shape):
            return source
        target = self.constant(shape, np.int64, "shape")
        return self.add("Reshape", source, target, shape=shape)

    def transpose(self, source: str, permutation: Shape) -> str:
        """A Transpose before the last; nothing where it changes nothing."""
        if permutation == tuple(range(len(permutation))):
            return source
        before = self._draft.shape(source)
        shape = tuple(before[axis] for axis in permutation)
        return self.add("Transpose", source, shape=shape, attributes={"perm": permutation})

    def finish(
        self, op: str, *inputs: str, attributes: Mapping[str, Any] | None = None, output: int = 0
    ) -> None:
        """The last node, which writes what the node wrote and has its name."""
        target = (self._node.outputs[output],)
        self._nodes.append(Node(op, inputs, target, dict(attributes or {}), self._node.name))
        self._draft.replace(self._node, *self._nodes)

    def finish_reshape(self, source: str) -> None:
        """End with a Reshape to the shape of the node's output."""
        shape = self._draft.shape(self._node.outputs[0])
        if prod(shape) != prod(self._draft.shape(source)):
            raise ValueError(f"{source} does not hold as many values as {self._node.outputs[0]}")
        self.finish("Reshape", source, self.constant(shape, np.int64, "shape"))

    def insert(self, *nodes: Node) -> None:
        """End with nodes as they are."""
        self._nodes += nodes
        self._draft.replace(self._node, *self._nodes)
