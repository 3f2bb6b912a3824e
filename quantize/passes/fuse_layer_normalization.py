"""What computes a LayerNormalization over the last axis becomes one (Ba et al. 2016).

(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon), and the constant factor and term after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["FUSE_LAYER_NORMALIZATION"]


@dataclass(frozen=True, slots=True)
class _Match:
    source: str
    epsilon: float


class _Matcher:
    def __init__(self, draft: GraphDraft) -> None:
        self._draft = draft

    def match(self, node: Node) -> _Match | None:
        """A Div of the centred input by its deviation, or a Mul by the inverse of that."""
        if node.op == "Div":
            return self._match_pair(node.inputs[0], node.inputs[1])
        if node.op == "Mul":
            for centred, inverse in (node.inputs, node.inputs[::-1]):
                writer = self._draft.producer(inverse)
                if (
                    writer is not None
                    and writer.op == "Div"
                    and self._number(writer.inputs[0]) == 1
                ):
                    return self._match_pair(centred, writer.inputs[1])
        return None

    def _match_pair(self, centred: str, deviation: str) -> _Match | None:
        source = self._centred_source(centred)
        root = self._draft.producer(deviation)
        if source is None or root is None or root.op != "Sqrt":
            return None
        total = self._draft.producer(root.inputs[0])
        if total is None or total.op != "Add":
            return None
        for variance, epsilon_name in (total.inputs, total.inputs[::-1]):
            epsilon = self._number(epsilon_name)
            if epsilon is not None and self._is_variance(variance, source):
                return _Match(source, epsilon)
        return None

    def _is_variance(self, name: str, source: str) -> bool:
        square = self._mean_of(name)
        writer = self._draft.producer(square) if square else None
        if writer is None or writer.op != "Mul":
            return False
        return all(self._centred_source(each) == source for each in writer.inputs)

    def _centred_source(self, name: str) -> str | None:
        """The x where `name` is x - mean(x)."""
        writer = self._draft.producer(name)
        if writer is None or writer.op != "Sub":
            return None
        source, mean = writer.inputs
        return source if self._mean_of(mean) == source else None

    def _mean_of(self, name: str) -> str | None:
        """The x where `name` is its mean over the last axis, kept."""
        writer = self._draft.producer(name)
        if writer is None or writer.op != "ReduceMean" or not writer.attributes["keepdims"]:
            return None
        last = len(self._draft.shape(writer.inputs[0])) - 1
        return writer.inputs[0] if tuple(writer.attributes["axes"]) == (last,) else None

    def _number(self, name: str) -> float | None:
        values = self._draft.constants.get(name)
        return float(values.reshape(())) if values is not None and values.size == 1 else None


def _parameter(draft: GraphDraft, name: str, op: str, width: int) -> tuple[Node, str] | None:
    """The only reader of `name` where it is `op` with one constant a column (or one in all)."""
    readers = draft.consumers(name)
    if name in draft.outputs or len(readers) != 1 or readers[0].op != op:
        return None
    left, right = readers[0].inputs
    other = right if left == name else left
    values = draft.constants.get(other)
    if values is None or (values.size != 1 and values.shape[-1] != values.size):
        return None
    if values.size not in {1, width}:
        return None
    return readers[0], other


def _fuse(draft: GraphDraft, node: Node, match: _Match) -> None:
    width = draft.shape(match.source)[-1]
    parameters = [np.ones(width, np.float32), np.zeros(width, np.float32)]
    last = node
    for at, op in enumerate(("Mul", "Add")):
        found = _parameter(draft, last.outputs[0], op, width)
        if found is not None:
            reader, name = found
            parameters[at] = np.broadcast_to(draft.constants[name].reshape(-1), (width,)).copy()
            draft.remove([last])
            last = reader
    names = (
        draft.add_constant(f"{last.name}/scale", parameters[0]),
        draft.add_constant(f"{last.name}/bias", parameters[1]),
    )
    attributes = {"axis": -1, "epsilon": match.epsilon}
    inputs = (match.source, *names)
    draft.replace(last, Node("LayerNormalization", inputs, last.outputs, attributes, last.name))


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    matcher = _Matcher(draft)
    for node in graph.nodes:
        if node.op in {"Div", "Mul"} and draft.producer(node.outputs[0]) is node:
            match = matcher.match(node)
            if match is not None and draft.shape(match.source) == draft.shape(node.outputs[0]):
                _fuse(draft, node, match)
    return draft.finish()


FUSE_LAYER_NORMALIZATION = GraphPass("fuse layer normalization", _rewrite)
