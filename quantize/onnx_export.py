"""`FloatGraph` -> float32 ONNX model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node

__all__ = ["IR_VERSION", "OPSET", "PRODUCER", "export_onnx", "make_model", "make_node"]

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
    return make_model(
        nodes=[make_node(node) for node in graph.nodes],
        inputs=[(name, graph.shapes[name]) for name in graph.inputs],
        outputs=[(name, graph.shapes[name]) for name in outputs],
        constants=[(name, graph.constants[name]) for name in sorted(graph.constants)],
    )


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
) -> Any:
    """A whole `onnx.ModelProto` with float32 inputs and outputs; the same bytes every time."""
    import onnx

    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        PRODUCER,
        [onnx.helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs],
        [onnx.helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs],
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


def _attribute(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
