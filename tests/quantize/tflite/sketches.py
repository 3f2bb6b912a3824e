"""Small graphs being drawn, and onnxruntime's answers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from quantize.graph import FloatGraph, Node

_OPSET = 17


@dataclass
class Sketch:
    """A graph being drawn: `output = sketch.node("Relu", x)`."""

    generator: np.random.Generator
    nodes: list[Node] = field(default_factory=list)
    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)

    def input(self, *shape: int, dtype: str = "float32") -> str:
        name = f"input{len(self.inputs)}"
        self.inputs[name] = shape
        if dtype != "float32":
            self.dtypes[name] = dtype
        return name

    def constant(self, values: Any) -> str:
        name = f"constant{len(self.constants)}"
        self.constants[name] = np.asarray(values)
        return name

    def random(self, *shape: int, spread: float = 1.0) -> str:
        return self.constant((self.generator.standard_normal(shape) * spread).astype(np.float32))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(Node(op, inputs, (name,), attributes, name=f"{op}_{len(self.nodes)}"))
        return name

    def conv(
        self, source: str, weight_shape: Sequence[int], *, bias: bool = True, **window: Any
    ) -> str:
        fan_in = int(np.prod(weight_shape[1:]))
        operands = [self.random(*weight_shape, spread=fan_in**-0.5)]
        if bias:
            operands.append(self.random(weight_shape[0], spread=0.2))
        return self.node("Conv", source, *operands, kernel_shape=tuple(weight_shape[2:]), **window)

    def gemm(self, source: str, out: int, into: int, *, bias: bool = True) -> str:
        operands = [self.random(out, into, spread=into**-0.5)]
        if bias:
            operands.append(self.random(out, spread=0.2))
        return self.node("Gemm", source, *operands, transB=1)

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def graph(self, *outputs: str) -> FloatGraph:
        drawn = FloatGraph(
            tuple(self.nodes),
            tuple(self.inputs),
            outputs,
            self.constants,
            self.inputs,
            self.dtypes,
        )
        values = run_float(drawn, random_inputs(drawn, 0))
        return replace(
            drawn,
            shapes={name: tuple(value.shape) for name, value in values.items()},
            dtypes={
                name: str(value.dtype)
                for name, value in values.items()
                if value.dtype != np.float32
            },
        )


def random_inputs(graph: FloatGraph, seed: int) -> dict[str, NDArray[Any]]:
    generator = np.random.default_rng(seed)
    values: dict[str, NDArray[Any]] = {}
    for name in graph.inputs:
        dtype, shape = graph.dtype(name), graph.shapes[name]
        if dtype == "float32":
            values[name] = generator.normal(0.2, 1.0, shape).astype(np.float32)
        else:
            count = {"bool": 2, "uint8": 256}.get(dtype, 4)
            values[name] = generator.integers(0, count, shape).astype(dtype)
    return values


def open_session(nodes: list[onnx.NodeProto], graph: FloatGraph, outputs: Sequence[str]) -> Any:
    import onnxruntime

    is_newer = any(node.op_type == "Gelu" or b"wrap" in node.SerializeToString() for node in nodes)
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "case",
            [
                helper.make_tensor_value_info(
                    name,
                    helper.np_dtype_to_tensor_dtype(np.dtype(graph.dtype(name))),
                    graph.shapes[name],
                )
                for name in graph.inputs
            ],
            [onnx.ValueInfoProto(name=name) for name in outputs],
            [numpy_helper.from_array(np.asarray(v), k) for k, v in graph.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 20 if is_newer else _OPSET)],
        ir_version=9,
    )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def make_proto(node: Node, inputs: Sequence[str]) -> onnx.NodeProto:
    return helper.make_node(
        node.op, list(inputs), list(node.outputs), name=node.name, **node.attributes
    )


def run_float(
    graph: FloatGraph, inputs: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Every tensor of the float graph."""
    names = [name for node in graph.nodes for name in node.outputs if name]
    session = open_session([make_proto(node, node.inputs) for node in graph.nodes], graph, names)
    return dict(inputs) | dict(zip(names, session.run(names, dict(inputs)), strict=True))
