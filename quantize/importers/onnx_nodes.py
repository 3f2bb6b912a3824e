"""ONNX nodes of opset 11 and later -> nodes with the meaning of opset 17."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from quantize.graph import Node
from quantize.importers.onnx_trace import Trace

__all__ = ["convert_nodes"]

_LAST_SOFTMAX_OF_TWO_AXES = 12


def convert_nodes(model: Any, trace: Trace, opset: int) -> tuple[tuple[Node, ...], dict[str, Any]]:
    """Turn what is not constant in a model into nodes.

    Args:
        model: `onnx.ModelProto`.
        trace: its shapes and constants.
        opset: its version of the standard operators.

    Returns:
        The nodes in the model's (topological) order with unique names, and constants made on
        the way.

    Raises:
        UnsupportedInputError: a node in a form that has no meaning in opset 17.
    """
    nodes: list[Node] = []
    made: dict[str, Any] = {}
    taken: set[str] = set()
    for at, proto in enumerate(model.graph.node):
        if all(name in trace.constants for name in proto.output if name):
            continue
        node = _convert(proto, _unique(proto.name or f"{proto.op_type}_{at}", taken))
        translate = _TRANSLATIONS.get(node.op)
        nodes.append(translate(node, trace, opset, made) if translate else node)
    return tuple(nodes), made


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate


def _convert(proto: Any, name: str) -> Node:
    op = proto.op_type if proto.domain in {"", "ai.onnx"} else f"{proto.domain}.{proto.op_type}"
    attributes = {each.name: _attribute_value(each) for each in proto.attribute}
    return Node(op, tuple(proto.input), tuple(proto.output), attributes, name)


def _attribute_value(attribute: Any) -> Any:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    if isinstance(value, (int, float, str)):
        return value
    try:
        return tuple(
            each.decode("utf-8", errors="replace") if isinstance(each, bytes) else each
            for each in value
        )
    except TypeError:
        return None  # a subgraph: its operator is refused by name


Translation = Callable[[Node, Trace, int, dict[str, Any]], Node]


def _translate_softmax(node: Node, _trace: Trace, opset: int, _made: dict[str, Any]) -> Node:
    """Before opset 13 the axis defaulted to 1 and all axes after it were taken as one."""
    if opset > _LAST_SOFTMAX_OF_TWO_AXES:
        return node
    axis = int(node.attributes.get("axis", 1))
    return replace(node, attributes={"axis": axis, "is_flattened": 1})


def _translate_reduction(node: Node, trace: Trace, _opset: int, _made: dict[str, Any]) -> Node:
    """Since opset 18 (ReduceSum: 13) the axes are an input; here they are an attribute."""
    attributes = dict(node.attributes)
    does_nothing = bool(attributes.pop("noop_with_empty_axes", 0))
    axes = attributes.get("axes")
    if node.inputs[1:] and node.inputs[1]:
        if node.inputs[1] not in trace.constants:
            return replace(node, op=f"{node.op} (computed axes)")
        axes = trace.constants[node.inputs[1]].reshape(-1)
    if (axes is None or len(axes) == 0) and does_nothing:
        return replace(node, op="Identity", inputs=node.inputs[:1], attributes={})
    rank = len(trace.shapes[node.inputs[0]])
    chosen = range(rank) if axes is None or len(axes) == 0 else axes
    attributes["axes"] = tuple(sorted(int(axis) % rank for axis in chosen))
    attributes["keepdims"] = int(attributes.get("keepdims", 1))
    return replace(node, inputs=node.inputs[:1], attributes=attributes)


def _translate_pad(node: Node, trace: Trace, _opset: int, made: dict[str, Any]) -> Node:
    """Since opset 18 pads may name their axes; here they are for all axes."""
    if any(name and name not in trace.constants for name in node.inputs[1:]):
        return replace(node, op="Pad (computed pads)")
    axes_at = len(("data", "pads", "value"))
    if len(node.inputs) <= axes_at or not node.inputs[axes_at]:
        return node
    rank = len(trace.shapes[node.inputs[0]])
    axes = [int(axis) % rank for axis in trace.constants[node.inputs[axes_at]].reshape(-1)]
    pads = trace.constants[node.inputs[1]]
    full = np.zeros(2 * rank, np.int64)
    for at, axis in enumerate(axes):
        full[axis], full[rank + axis] = pads[at], pads[len(axes) + at]
    name = f"{node.name}/all_pads"
    made[name] = full
    return replace(node, inputs=(node.inputs[0], name, node.inputs[2]))


def _translate_dropout(node: Node, trace: Trace, _opset: int, _made: dict[str, Any]) -> Node:
    mode = node.inputs[2] if len(node.inputs) > len(("data", "ratio")) else ""
    if mode and (mode not in trace.constants or bool(trace.constants[mode].reshape(-1)[0])):
        return replace(node, op="Dropout (training)")
    return replace(node, inputs=node.inputs[:1], attributes={})


def _translate_cast(node: Node, trace: Trace, _opset: int, _made: dict[str, Any]) -> Node:
    """A cast to the type that a tensor has does nothing; how a cast rounds is not said."""
    name, output = node.inputs[0], node.outputs[0]
    if name in trace.shapes and trace.dtypes.get(name) == trace.dtypes.get(output):
        return replace(node, op="Identity", attributes={})
    return replace(node, attributes={"to": node.attributes["to"]})


_REDUCTIONS = (
    "L1",
    "L2",
    "LogSum",
    "LogSumExp",
    "Max",
    "Mean",
    "Min",
    "Prod",
    "Sum",
    "SumSquare",
)

_TRANSLATIONS: Mapping[str, Translation] = {
    **{f"Reduce{each}": _translate_reduction for each in _REDUCTIONS},
    "Cast": _translate_cast,
    "Dropout": _translate_dropout,
    "Hardmax": _translate_softmax,
    "LogSoftmax": _translate_softmax,
    "Pad": _translate_pad,
    "Softmax": _translate_softmax,
}
