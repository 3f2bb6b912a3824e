"""Layers that join several tensors, and the arithmetic that Keras records as operations."""

from __future__ import annotations

from collections.abc import Mapping

from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.onnx_graph import OnnxGraph, Tensor

__all__ = ["MERGING_LAYERS", "OPERATIONS", "joined_padding"]

_PAIR = 2


def joined_padding(call: LayerCall) -> Tensor | None:
    """The mask of what joins several tensors: none where one has none, as in Keras."""
    paddings = [each.padding for each in call.inputs]
    first = paddings[0]
    if first is None or any(each is None for each in paddings):
        return None
    if any(each is not None and each.name != first.name for each in paddings):
        raise call.refuse("its inputs carry different masks")
    return first


def _write_fold(op: str) -> LayerWriter:
    def write(call: LayerCall) -> Tensor:
        if len({each.rank for each in call.inputs}) != 1:
            raise call.refuse("its inputs have different numbers of axes")
        result = call.input
        for other in call.inputs[1:]:
            result = call.graph.add(op, result, other)
        return result

    return write


def _write_average(call: LayerCall) -> Tensor:
    total = _write_fold("Add")(call)
    if not isinstance(total, Tensor):
        raise call.refuse("an average of several outputs")
    share = call.graph.constant(1 / len(call.inputs), "share")
    return call.graph.add("Mul", total, share)


def _write_concatenate(call: LayerCall) -> Tensor:
    axis = int(call.option("axis", -1)) % call.input.rank
    if axis == 0:
        raise call.refuse("it joins along the batch")
    if axis == 1 and any(each.padding is not None for each in call.inputs):
        raise call.refuse("it joins masked series along their steps")
    if len(call.inputs) == 1:
        return call.input
    return call.graph.add_many("Concat", call.inputs, 1, {"axis": axis})[0]


def _write_dot(call: LayerCall) -> Tensor:
    """Sum of products along one axis of each; the axes that are left, left input first."""
    graph = call.graph
    left, right = call.inputs[:_PAIR]
    axes = call.option("axes", -1)
    pair = [axes, axes] if isinstance(axes, int) else list(axes)
    at_left, at_right = int(pair[0]) % left.rank, int(pair[1]) % right.rank
    if 0 in {at_left, at_right} or max(left.rank, right.rank) > _PAIR + 1:
        raise call.refuse(f"axes {axes} of {left.shape} and {right.shape}")
    if call.option("normalize"):
        left, right = (_unit(graph, each, at) for each, at in ((left, at_left), (right, at_right)))
    left_kept = [at for at in range(1, left.rank) if at != at_left]
    right_kept = [at for at in range(1, right.rank) if at != at_right]
    left_shape, right_shape = left.shape, right.shape
    left = graph.transpose(left, [0, *left_kept, at_left])
    right = graph.transpose(right, [0, at_right, *right_kept])
    if not left_kept:
        left = graph.reshape(left, (left.shape[0], 1, left.shape[1]))
    if not right_kept:
        right = graph.reshape(right, (*right.shape, 1))
    product = graph.add("MatMul", left, right)
    kept = [*(left_shape[at] for at in left_kept), *(right_shape[at] for at in right_kept)]
    return graph.reshape(product, (product.shape[0], *(kept or [1])))


def _unit(graph: OnnxGraph, tensor: Tensor, axis: int) -> Tensor:
    """Divide by the length along an axis, at least the square root of 1e-12."""
    squares = graph.add("Mul", tensor, tensor)
    total = graph.add("ReduceSum", squares, graph.constant([axis], "axis"), keepdims=1)
    length = graph.add("Sqrt", graph.add("Clip", total, graph.constant(1e-12, "smallest")))
    return graph.add("Div", tensor, length)


def _write_binary(op: str) -> LayerWriter:
    """An operation of two tensors or of a tensor and a number, either way round."""

    def write(call: LayerCall) -> Tensor:
        graph = call.graph
        names = ("x1", "x2", "x", "y")
        values = [
            *call.arguments,
            *(call.keywords[name] for name in names if name in call.keywords),
        ]
        if len(values) != _PAIR:
            raise call.refuse(f"an operation on {len(values)} values")
        operands: list[Tensor] = []
        for value in values:
            if isinstance(value, Tensor):
                operands.append(value)
            elif isinstance(value, (int, float)):
                operands.append(graph.constant(float(value), "number"))
            else:
                raise call.refuse("an operation on other than tensors and numbers")
        return graph.add(op, *operands)

    return write


MERGING_LAYERS: Mapping[str, LayerWriter] = {
    "Add": _write_fold("Add"),
    "Subtract": _write_fold("Sub"),
    "Multiply": _write_fold("Mul"),
    "Maximum": _write_fold("Max"),
    "Minimum": _write_fold("Min"),
    "Average": _write_average,
    "Concatenate": _write_concatenate,
    "Dot": _write_dot,
}

OPERATIONS: Mapping[str, LayerWriter] = {
    "Add": _write_binary("Add"),
    "Subtract": _write_binary("Sub"),
    "Multiply": _write_binary("Mul"),
    "TrueDivide": _write_binary("Div"),
    "Divide": _write_binary("Div"),
    "Maximum": _write_binary("Max"),
    "Minimum": _write_binary("Min"),
    "__operators__.add": _write_binary("Add"),
    "math.add": _write_binary("Add"),
    "math.subtract": _write_binary("Sub"),
    "math.multiply": _write_binary("Mul"),
    "math.truediv": _write_binary("Div"),
}
"""By Keras 3's class of the operation, or by the function that Keras 2 recorded."""
