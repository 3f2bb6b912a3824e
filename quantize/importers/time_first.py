"""Series that a model wants time first are given batch first, as all other inputs are.

ONNX's LSTM, GRU and RNN read [time, batch, features] unless their layout says otherwise (ONNX
operator specification, opset 14), and so do models exported from a recurrent layer that is not
batch first. Which axis is which is told by what the input meets: a recurrent layer, with only
operators between that keep the first two axes. A Transpose behind the input then turns it back.
"""

from __future__ import annotations

from typing import Any

__all__ = ["take_batch_first", "time_first_inputs"]

_RECURRENT = frozenset({"GRU", "LSTM", "RNN"})
_KEEPING = frozenset(
    {
        *("Add", "Cast", "Clip", "Div", "Dropout", "Elu", "Erf", "Gelu", "Identity", "LeakyRelu"),
        *("LayerNormalization", "MatMul", "Mul", "Pow", "Relu", "Sigmoid", "Sqrt", "Sub", "Tanh"),
    }
)
_RANK = 3


def time_first_inputs(model: Any) -> frozenset[str]:
    """Names of the inputs [time, batch, features].

    An input whose first axis is 1 in the file, or whose second is a number above 1, is taken for
    batch first whatever reads it: it would be one step of many examples.

    Args:
        model: `onnx.ModelProto`.
    """
    readers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return frozenset(
        each.name
        for each in model.graph.input
        if _may_be_time_first(each) and _reaches_recurrence(each.name, readers)
    )


def _may_be_time_first(value: Any) -> bool:
    dimensions = value.type.tensor_type.shape.dim
    if len(dimensions) != _RANK:
        return False
    time, batch, _ = (each.dim_value if each.HasField("dim_value") else 0 for each in dimensions)
    return time != 1 and batch <= 1


def _reaches_recurrence(name: str, readers: dict[str, list[Any]]) -> bool:
    pending, seen = [name], {name}
    while pending:
        current = pending.pop()
        for node in readers.get(current, ()):
            if node.op_type in _RECURRENT and node.input[0] == current:
                layout = next((each.i for each in node.attribute if each.name == "layout"), 0)
                return layout == 0
            if node.op_type in _KEEPING and node.output[0] not in seen:
                seen.add(node.output[0])
                pending.append(node.output[0])
    return False


def take_batch_first(model: Any, name: str) -> tuple[int, ...]:
    """Turn an input [time, 1, features] of a model into [1, time, features], in place.

    Args:
        model: `onnx.ModelProto` with static inputs.
        name: of the input.

    Returns:
        The new shape.
    """
    import onnx

    value = next(each for each in model.graph.input if each.name == name)
    first, second, _ = value.type.tensor_type.shape.dim
    first.dim_value, second.dim_value = second.dim_value, first.dim_value
    turned = f"{name}/time first"
    for node in model.graph.node:
        for at, source in enumerate(node.input):
            if source == name:
                node.input[at] = turned
    transpose = onnx.helper.make_node("Transpose", [name], [turned], turned, perm=[1, 0, 2])
    model.graph.node.insert(0, transpose)
    return _shape(value)


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(each.dim_value) for each in value.type.tensor_type.shape.dim)
