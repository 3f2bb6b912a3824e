"""Which order every tensor is stored in, so that an NCHW graph becomes NHWC without transposes.

Image kernels read and write N, H, W, C. From there an order is handed on: elementwise operators,
joins, cuts, reductions and reshapes write in the order they read, an ONNX Transpose only renames
axes, and a TRANSPOSE is left for readers that need another order (`Lowering.tensor` inserts it,
once a tensor). So a graph exported from NHWC, which wraps its convolutions in Transposes, loses
them, and attention's (batch, heads, time, depth) tensors stay as they are.

At the ends of a model a tensor of four axes is NHWC, unless it is read or written by an ONNX
Transpose that makes its own order the image kernels' order; any other rank is in ONNX order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from quantize.graph import FloatGraph, Node
from quantize.tflite.orders import (
    NHWC,
    Order,
    channels_last,
    drop_axes,
    order_ending_with,
    plain_order,
    reshape_orders,
    transposed_order,
)

__all__ = ["FlattenedImage", "Layout", "plan_layout", "reduced_axes"]

_IMAGE_RANK = 4
_MATRIX_RANK = 2

_IMAGE_OPERATORS = frozenset(
    {
        "AveragePool",
        "Conv",
        "ConvTranspose",
        "DepthToSpace",
        "LRN",
        "LpPool",
        "MaxPool",
        "Resize",
        "SpaceToDepth",
        "Upsample",
    }
)
_PLAIN_OPERATORS = frozenset(
    {"GRU", "GatherND", "Gemm", "LSTM", "MatMul", "OneHot", "RNN", "ScatterND", "Einsum"}
)
_RESHAPES = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze"})
_LAST_AXIS_OPERATORS = frozenset({"LogSoftmax", "Softmax", "TopK", "LpNormalization"})
_ARG_OPERATORS = frozenset({"ArgMax", "ArgMin"})


@dataclass(frozen=True, slots=True)
class FlattenedImage:
    """A tensor flattened in the order it was stored in, which only Gemms read.

    Attributes:
        shape: ONNX shape of the image.
        order: in which it is stored; the batch comes first.
    """

    shape: tuple[int, ...]
    order: Order


@dataclass(frozen=True, slots=True)
class Layout:
    """The stored order of every activation.

    Attributes:
        orders: by tensor name.
        ends: order of the graph's inputs and outputs in the file.
        reshaped_from: by name of a Reshape's output, the order that its input must be in.
        flattened: by name of the flattened tensor; a Gemm that reads it has its weights' columns
            in the same order.
    """

    orders: Mapping[str, Order]
    ends: Mapping[str, Order]
    reshaped_from: Mapping[str, Order]
    flattened: Mapping[str, FlattenedImage]


def reduced_axes(graph: FloatGraph, node: Node) -> tuple[tuple[int, ...], bool]:
    """The ONNX axes that a Reduce operator, ArgMax or ArgMin reduces, and whether they stay as 1.

    Axes come as an attribute or, from opset 13 or 18 on, as a constant input; none is all.
    """
    rank = len(graph.shape(node.inputs[0]))
    if node.op in _ARG_OPERATORS:
        axes = [int(node.attributes.get("axis", 0))]
    elif "axes" in node.attributes:
        axes = [int(axis) for axis in node.attributes["axes"]]
    elif len(node.inputs) > 1 and node.inputs[1]:
        axes = [int(axis) for axis in graph.constants[node.inputs[1]].reshape(-1)]
    else:
        axes = list(range(rank))
    kept = bool(node.attributes.get("keepdims", 1))
    return tuple(sorted({axis % rank for axis in axes} or set(range(rank)))), kept


def plan_layout(graph: FloatGraph) -> Layout:
    """Choose the order of every activation.

    Args:
        graph: with nodes in topological order.
    """
    return _Planner(graph).plan()


class _Planner:
    def __init__(self, graph: FloatGraph) -> None:
        self._graph = graph
        self._orders: dict[str, Order] = {}
        self._reshaped_from: dict[str, Order] = {}
        self._flattened: dict[str, FlattenedImage] = {}
        self._readers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in dict.fromkeys(node.inputs):
                self._readers.setdefault(name, []).append(node)

    def plan(self) -> Layout:
        graph = self._graph
        for name in graph.inputs:
            rank = len(graph.shape(name))
            wanted = self._wanted_order(name) if rank == _IMAGE_RANK else None
            if wanted not in {NHWC, plain_order(rank)}:
                wanted = NHWC if rank == _IMAGE_RANK else plain_order(rank)
            self._orders[name] = wanted
        for node in graph.nodes:
            for at, name in enumerate(node.outputs):
                if name:
                    self._orders[name] = self._written_order(node, at)
        ends = {name: self._orders[name] for name in graph.inputs}
        ends |= {name: self._output_order(name) for name in graph.outputs if name not in ends}
        return Layout(self._orders, ends, self._reshaped_from, self._flattened)

    def _order(self, name: str) -> Order:
        """The planned order; constants lie in ONNX order."""
        return self._orders.get(name) or plain_order(len(self._graph.shape(name)))

    def _wanted_order(self, name: str) -> Order | None:
        """The order in which an image kernel further on would read a tensor without a TRANSPOSE."""
        rank = len(self._graph.shape(name))
        pending = [(name, plain_order(rank))]
        seen = set()
        while pending:
            current, axes = pending.pop(0)  # axes[i]: the first tensor's axis that is axis i here
            for node in self._readers.get(current, ()):
                if node.op in _IMAGE_OPERATORS and node.inputs[0] == current:
                    return tuple(axes[axis] for axis in channels_last(rank))
                output = node.outputs[0]
                carried = self._carried(node, axes)
                if carried is not None and output not in seen:
                    seen.add(output)
                    pending.append((output, carried))
        return None

    def _carried(self, node: Node, axes: Order) -> Order | None:
        if node.op == "Transpose":
            return tuple(axes[int(axis)] for axis in _permutation(node, len(axes)))
        if node.op in _RESHAPES | _PLAIN_OPERATORS | _IMAGE_OPERATORS:
            return None
        return axes if len(self._graph.shape(node.outputs[0])) == len(axes) else None

    def _output_order(self, name: str) -> Order:
        rank = len(self._graph.shape(name))
        if rank != _IMAGE_RANK:
            return plain_order(rank)
        producer = self._graph.producer(name)
        is_renamed = producer is not None and producer.op == "Transpose"
        if is_renamed and self._orders[name] == plain_order(rank):
            return plain_order(rank)
        return NHWC

    def _written_order(self, node: Node, at: int) -> Order:
        rank = len(self._graph.shape(node.outputs[at]))
        if node.op in _IMAGE_OPERATORS:
            return channels_last(rank)
        if node.op in _PLAIN_OPERATORS:
            return plain_order(rank)
        special = _SPECIAL.get(node.op)
        if special is not None:
            return special(self, node)
        if node.op.startswith("Reduce") or node.op in _ARG_OPERATORS:
            return self._reduced(node)
        return self._followed(node, rank)

    def _followed(self, node: Node, rank: int) -> Order:
        """The order of the largest operand of as many axes."""
        operands = [
            name
            for name in node.inputs
            if name in self._orders and len(self._graph.shape(name)) == rank
        ]
        if not operands:
            return plain_order(rank)
        return self._orders[max(operands, key=lambda name: prod(self._graph.shape(name)))]

    def _transposed(self, node: Node) -> Order:
        order = self._order(node.inputs[0])
        return transposed_order(order, _permutation(node, len(order)))

    def _reshaped(self, node: Node) -> Order:
        source, target = node.inputs[0], node.outputs[0]
        before, after = self._graph.shape(source), self._graph.shape(target)
        order = self._order(source)
        preferred = self._wanted_order(target) or plain_order(len(after))
        wanted, written = reshape_orders(before, after, order, preferred)
        self._reshaped_from[target] = wanted
        if wanted != order and order[0] == 0 and self._is_flattened_for_gemms(node):
            self._flattened[target] = FlattenedImage(before, order)
            self._reshaped_from[target] = order
            return plain_order(len(after))
        return written

    def _is_flattened_for_gemms(self, node: Node) -> bool:
        target = node.outputs[0]
        before, after = self._graph.shape(node.inputs[0]), self._graph.shape(target)
        readers = self._readers.get(target, [])
        return (
            tuple(after) == (before[0], prod(before[1:]))
            and target not in self._graph.outputs
            and bool(readers)
            and all(reader.op == "Gemm" and reader.inputs.index(target) == 0 for reader in readers)
        )

    def _reduced(self, node: Node) -> Order:
        axes, kept = reduced_axes(self._graph, node)
        order = self._order(node.inputs[0])
        return order if kept else drop_axes(order, axes)

    def _last_axis(self, node: Node) -> Order:
        order = self._order(node.inputs[0])
        return order_ending_with(order, int(node.attributes.get("axis", -1)) % len(order))

    def _gathered(self, node: Node) -> Order:
        rank = len(self._graph.shape(node.outputs[0]))
        order = self._orders.get(node.inputs[0])
        picked = len(self._graph.shape(node.inputs[1]))
        if order is None or picked > 1:
            return plain_order(rank)
        if picked == 1:
            return order
        return drop_axes(order, (int(node.attributes.get("axis", 0)) % len(order),))


_SPECIAL: Mapping[str, Callable[[_Planner, Node], Order]] = {
    "Transpose": _Planner._transposed,  # noqa: SLF001 - the planner's own table
    "Gather": _Planner._gathered,  # noqa: SLF001
    **dict.fromkeys(_RESHAPES, _Planner._reshaped),  # noqa: SLF001
    **dict.fromkeys(_LAST_AXIS_OPERATORS, _Planner._last_axis),  # noqa: SLF001
}


def _permutation(node: Node, rank: int) -> tuple[int, ...]:
    stated = node.attributes.get("perm")
    return tuple(int(axis) for axis in stated) if stated is not None else tuple(range(rank))[::-1]
