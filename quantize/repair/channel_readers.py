"""Which products read the channels that a layer writes, and where each channel went on the way.

A factor on a channel of a LayerNormalization or Gemm passes through whatever only moves values,
through Relu, and through the product of attention weights with values, which mixes positions and
not channels. Where everything that reads the channels is a Gemm, its columns can take the factor
back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node

__all__ = ["Reader", "find_readers"]

_ROW_RANK = 2

Channels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reader:
    """A Gemm and what its columns multiply.

    Attributes:
        node: the Gemm.
        channels: (columns,) the writer's channel that each column multiplies.
    """

    node: Node
    channels: Channels


def find_readers(graph: FloatGraph, writer: Node) -> tuple[Reader, ...]:
    """Follow the channels (last axis) of a node's output.

    Args:
        graph: that holds the node.
        writer: a LayerNormalization over the last axis, or a Gemm.

    Returns:
        Every Gemm that they reach; none where anything else reads them, or an output gives them
        out.
    """
    shape = graph.shapes[writer.outputs[0]]
    places: dict[str, Channels] = {
        writer.outputs[0]: np.broadcast_to(np.arange(shape[-1], dtype=np.int64), shape)
    }
    readers: list[Reader] = []
    pending = [writer.outputs[0]]
    while pending:
        name = pending.pop()
        if name in graph.outputs:
            return ()
        for node in graph.consumers(name):
            if node.op == "Gemm" and node.inputs[0] == name:
                channels = _columns(places[name])
                if channels is None:
                    return ()
                readers.append(Reader(node, channels))
                continue
            moved = _moved(graph, node, name, places[name])
            if moved is None:
                return ()
            places[node.outputs[0]] = moved
            pending.append(node.outputs[0])
    return tuple(readers)


def _columns(places: Channels) -> Channels | None:
    """The channel of each column; None where rows differ."""
    if places.ndim != _ROW_RANK or (places != places[:1]).any():
        return None
    found: Channels = places[0]
    return found


def _moved(graph: FloatGraph, node: Node, name: str, places: Channels) -> Channels | None:
    """Where the channels are after a node; None where it does not only move them."""
    if node.op == "Relu":
        return places
    if node.op == "Reshape":
        return places.reshape(graph.shapes[node.outputs[0]])
    if node.op == "Transpose":
        turned: Channels = places.transpose([int(each) for each in node.attributes["perm"]])
        return turned
    if node.op == "Slice":
        cut: Channels = places[_bounds(graph.constants, node, places.ndim)]
        return cut
    if node.op == "MatMul" and node.inputs[1] == name != node.inputs[0]:
        if (places != places[..., :1, :]).any():
            return None
        return np.broadcast_to(places[..., :1, :], graph.shapes[node.outputs[0]])
    return None


def _bounds(constants: Mapping[str, NDArray[np.int64]], node: Node, rank: int) -> tuple[slice, ...]:
    cuts = [slice(None)] * rank
    starts, ends, axes, *steps = (constants[name].tolist() for name in node.inputs[1:] if name)
    for at, axis in enumerate(axes):
        cuts[axis] = slice(starts[at], ends[at], steps[0][at] if steps else None)
    return tuple(cuts)
