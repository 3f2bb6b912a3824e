"""A float graph while a pass is changing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node

__all__ = ["GraphDraft"]


class GraphDraft:
    """The mutable twin of `FloatGraph`: edit it, then take `finish()`.

    Nodes are told apart by identity, since their attributes may be arrays. Who writes and who
    reads a tensor is kept in an index, which is made anew when `nodes` was changed from outside.
    """

    def __init__(self, graph: FloatGraph) -> None:
        self.nodes: list[Node] = list(graph.nodes)
        self.inputs = graph.inputs
        self.outputs = graph.outputs
        self.constants: dict[str, NDArray[Any]] = dict(graph.constants)
        self.shapes: dict[str, tuple[int, ...]] = dict(graph.shapes)
        self.dtypes: dict[str, str] = dict(graph.dtypes)
        self._indexed = -1
        self._writers: dict[str, Node] = {}
        self._readers: dict[str, dict[int, Node]] = {}

    def shape(self, name: str) -> tuple[int, ...]:
        """Static shape of any tensor, constants included."""
        if name in self.constants:
            return tuple(self.constants[name].shape)
        return self.shapes[name]

    def producer(self, name: str) -> Node | None:
        """The node that writes a tensor; None for inputs and constants."""
        self._index()
        return self._writers.get(name)

    def consumers(self, name: str) -> list[Node]:
        """The nodes that read a tensor."""
        self._index()
        return list(self._readers.get(name, {}).values())

    def is_private(self, name: str) -> bool:
        """Whether exactly one node reads a tensor and it is no graph output."""
        return name not in self.outputs and len(self.consumers(name)) == 1

    def replace(self, node: Node, *successors: Node) -> None:
        """Put other nodes, in topological order, where `node` stands."""
        self._index()
        at = next(index for index, each in enumerate(self.nodes) if each is node)
        self.nodes[at : at + 1] = successors
        self._forget(node)
        for each in successors:
            self._learn(each)
        self._indexed = len(self.nodes)

    def remove(self, nodes: Iterable[Node]) -> None:
        """Take nodes out."""
        self._index()
        gone = {id(node): node for node in nodes}
        self.nodes = [node for node in self.nodes if id(node) not in gone]
        for node in gone.values():
            self._forget(node)
        self._indexed = len(self.nodes)

    def redirect(self, old: str, new: str) -> None:
        """Let every node that reads `old` read `new`."""
        for node in self.consumers(old):
            self.replace(node, replace(node, inputs=_renamed(node.inputs, old, new)))

    def bypass(self, node: Node) -> bool:
        """Remove a node whose first output equals its first input.

        A graph output keeps its name: then the producer of the input writes it instead.

        Returns:
            False, and nothing changed, where the node joins a graph input (or another graph
            output) to a graph output.
        """
        source, target = node.inputs[0], node.outputs[0]
        if target not in self.outputs:
            self.remove([node])
            self._rename(target, source)
            return True
        if source in self.outputs or self.producer(source) is None:
            return False
        self.remove([node])
        self._rename(source, target)
        return True

    def add_constant(self, hint: str, values: NDArray[Any]) -> str:
        """Store a new constant under a name that starts with `hint`."""
        name = self._free_name(hint)
        self.constants[name] = values
        return name

    def dtype(self, name: str) -> str:
        """Numpy name of any tensor's element type, constants included."""
        if name in self.constants:
            return str(self.constants[name].dtype)
        return self.dtypes.get(name, "float32")

    def add_tensor(self, hint: str, shape: tuple[int, ...], dtype: str = "float32") -> str:
        """Declare a new activation under a name that starts with `hint`."""
        name = self._free_name(hint)
        self.shapes[name] = shape
        if dtype != "float32":
            self.dtypes[name] = dtype
        return name

    def finish(self) -> FloatGraph:
        """The graph as edited, without constants and shapes that nothing uses."""
        used = set(self.inputs) | set(self.outputs)
        for node in self.nodes:
            used.update(node.inputs, node.outputs)
        return FloatGraph(
            nodes=tuple(self.nodes),
            inputs=self.inputs,
            outputs=self.outputs,
            constants=_only(self.constants, used),
            shapes=_only(self.shapes, used),
            dtypes=_only(self.dtypes, used),
        )

    def _rename(self, old: str, new: str) -> None:
        writer = self.producer(old)
        if writer is not None:
            self.replace(writer, replace(writer, outputs=_renamed(writer.outputs, old, new)))
        self.redirect(old, new)

    def _index(self) -> None:
        if self._indexed == len(self.nodes):
            return
        self._writers, self._readers = {}, {}
        for node in self.nodes:
            self._learn(node)
        self._indexed = len(self.nodes)

    def _learn(self, node: Node) -> None:
        for name in node.inputs:
            self._readers.setdefault(name, {})[id(node)] = node
        for name in filter(None, node.outputs):
            self._writers[name] = node

    def _forget(self, node: Node) -> None:
        for name in node.inputs:
            self._readers.get(name, {}).pop(id(node), None)
        for name in node.outputs:
            if self._writers.get(name) is node:
                del self._writers[name]

    def _free_name(self, hint: str) -> str:
        name, number = hint, 0
        while name in self.constants or name in self.shapes:
            number += 1
            name = f"{hint}_{number}"
        return name


def _only(items: Mapping[str, Any], used: set[str]) -> dict[str, Any]:
    return {name: value for name, value in items.items() if name in used}


def _renamed(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if name == old else name for name in names)
