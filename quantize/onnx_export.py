"""`FloatGraph` -> float32 ONNX model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node

__all__ = [
    "IR_VERSION",
    "OPSET",
    "PRODUCER",
    "expand_for_onnx",
    "export_onnx",
    "make_model",
    "make_node",
]

OPSET = 17
IR_VERSION = 8
"""The pair that every onnxruntime since 1.12 loads."""

PRODUCER = "edgedx"


def export_onnx(graph: FloatGraph, *, extra_outputs: Iterable[str] = ()) -> Any:
    """Write a float graph as an `onnx.ModelProto` of opset 17.

    Args:
        graph: the graph.
        extra_outputs: activations to give out beside the graph's own outputs (for calibration).
    """
    outputs = list(dict.fromkeys((*graph.outputs, *extra_outputs)))
    constants = dict(graph.constants)
    nodes: list[Node] = []
    for node in graph.nodes:
        expanded, made = expand_for_onnx(node)
        nodes += expanded
        constants.update(made)
    return make_model(
        nodes=[make_node(node) for node in nodes],
        inputs=[(name, graph.shapes[name]) for name in graph.inputs],
        outputs=[(name, graph.shapes[name]) for name in outputs],
        constants=[(name, constants[name]) for name in sorted(constants)],
        dtypes=graph.dtypes,
    )


def expand_for_onnx(node: Node) -> tuple[tuple[Node, ...], Mapping[str, NDArray[Any]]]:
    """Write a node of the graph in what opset 17 has.

    Args:
        node: with the names of the tensors that it shall read and write.

    Returns:
        The nodes, the last of which writes the node's output, and constants that they need.
        Names that are made begin with the name of the output.
    """
    if node.op == "Gelu":
        return _expand_gelu(node)
    if node.op == "ReduceSum" and "axes" in node.attributes:
        return _expand_reduce_sum(node)
    return (node,), {}


def make_node(node: Node) -> Any:
    """One node as an `onnx.NodeProto`, attributes in the order of their names."""
    import onnx

    attributes = {key: _attribute(value) for key, value in sorted(node.attributes.items())}
    return onnx.helper.make_node(
        node.op, list(node.inputs), list(node.outputs), name=node.name, **attributes
    )


def make_model(
    *,
    nodes: list[Any],
    inputs: list[tuple[str, tuple[int, ...]]],
    outputs: list[tuple[str, tuple[int, ...]]],
    constants: list[tuple[str, NDArray[Any]]],
    dtypes: Mapping[str, str] | None = None,
) -> Any:
    """A whole `onnx.ModelProto`; the same bytes every time.

    Args:
        nodes: `onnx.NodeProto` in topological order.
        inputs: names and shapes.
        outputs: names and shapes.
        constants: names and values.
        dtypes: numpy's names for the types of the inputs and outputs that are not float32.
    """
    import onnx

    def declare(tensors: list[tuple[str, tuple[int, ...]]]) -> list[Any]:
        types = dtypes or {}
        return [
            onnx.helper.make_tensor_value_info(
                name,
                onnx.helper.np_dtype_to_tensor_dtype(np.dtype(types.get(name, "float32"))),
                shape,
            )
            for name, shape in tensors
        ]

    graph = onnx.helper.make_graph(
        nodes,
        PRODUCER,
        declare(inputs),
        declare(outputs),
        [
            onnx.numpy_helper.from_array(np.asarray(array, order="C"), name)
            for name, array in constants
        ],
    )
    return onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name=PRODUCER,
    )


class _Expansion:
    """The nodes and constants in place of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.nodes: list[Node] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def constant(self, hint: str, value: Any, dtype: Any = np.float32) -> str:
        name = f"{self._node.outputs[0]}/{hint}"
        self.constants[name] = np.array(value, dtype)
        return name

    def add(self, op: str, inputs: tuple[str, ...], hint: str = "") -> str:
        """A node; without a hint it writes the output."""
        output = self._node.outputs[0]
        name, target = (f"{self._node.name}/{hint}", f"{output}/{hint}")
        if not hint:
            name, target = self._node.name, output
        self.nodes.append(Node(op, inputs, (target,), {}, name))
        return target

    def finish(self) -> tuple[tuple[Node, ...], Mapping[str, NDArray[Any]]]:
        return tuple(self.nodes), self.constants


def _expand_gelu(node: Node) -> tuple[tuple[Node, ...], Mapping[str, NDArray[Any]]]:
    """In the form that onnxruntime fuses again (Hendrycks and Gimpel 2016)."""
    made, source = _Expansion(node), node.inputs[0]
    one, half = made.constant("one", 1.0), made.constant("half", 0.5)
    if node.attributes.get("approximate", "none") == "tanh":
        cube = made.add("Pow", (source, made.constant("three", 3.0)), "cube")
        bent = made.add("Mul", (cube, made.constant("bend", 0.044715)), "bent")
        sum_ = made.add("Add", (source, bent), "sum")
        inner = made.add("Mul", (sum_, made.constant("slope", np.sqrt(2 / np.pi))), "inner")
        curve = made.add("Tanh", (inner,), "curve")
    else:
        inner = made.add("Div", (source, made.constant("root", np.sqrt(2.0))), "inner")
        curve = made.add("Erf", (inner,), "curve")
    gate = made.add("Add", (curve, one), "gate")
    if node.attributes.get("approximate", "none") == "tanh":
        made.add("Mul", (made.add("Mul", (source, half), "halved"), gate))
    else:
        made.add("Mul", (made.add("Mul", (source, gate), "gated"), half))
    return made.finish()


def _expand_reduce_sum(node: Node) -> tuple[tuple[Node, ...], Mapping[str, NDArray[Any]]]:
    """Its axes are an input since opset 13, those of its siblings only since 18."""
    attributes = dict(node.attributes)
    name = f"{node.outputs[0]}/axes"
    axes = np.array(attributes.pop("axes"), np.int64)
    return (replace(node, inputs=(node.inputs[0], name), attributes=attributes),), {name: axes}


def _attribute(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
