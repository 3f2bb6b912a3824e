"""The nodes and constants of an ONNX model while it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.onnx_export import expand_for_onnx, make_model, make_node
from quantize.quantized_graph import ActivationParams, QuantizedWeight
from quantize.uniform import quantize_activation

__all__ = ["OnnxDraft"]

_SIGN = 128


class OnnxDraft:
    """Collects nodes in topological order.

    Attributes:
        constants: by name, in the order in which they were first needed.

    Args:
        is_signed: 8-bit activations are int8 in place of uint8, of the same step and meaning.
    """

    def __init__(self, *, is_signed: bool = False) -> None:
        self._is_signed = is_signed
        self._nodes: list[Any] = []
        self._shared: set[str] = set()
        self._domains: set[str] = set()
        self.constants: dict[str, NDArray[Any]] = {}

    def add(self, node: Node, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        """Write a node of the graph on other tensors."""
        nodes, constants = expand_for_onnx(
            Node(node.op, inputs, outputs, node.attributes, node.name)
        )
        self._nodes += [make_node(each) for each in nodes]
        self.constants.update(constants)

    def append(
        self,
        op: str,
        inputs: tuple[str, ...],
        output: str,
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """Write a node that the graph does not have, named by its output; returns the output."""
        node = Node(op, inputs, (output,), attributes or {}, f"{op} {output}")
        self._nodes.append(make_node(node))
        return output

    def append_shared(self, op: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        """Write a node once, however often it is asked for."""
        if outputs[0] not in self._shared:
            self._shared.add(outputs[0])
            self._nodes.append(make_node(Node(op, inputs, outputs, {}, f"{op} {outputs[0]}")))

    def add_contrib(self, node: Node, inputs: tuple[str, ...]) -> None:
        """Write a node of another operator set than ONNX's own, whose op is "domain.Name"."""
        domain, _, op = node.op.rpartition(".")
        proto = make_node(Node(op, inputs, node.outputs, node.attributes, node.name))
        proto.domain = domain
        self._nodes.append(proto)
        self._domains.add(domain)

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Store a constant; returns its name."""
        self.constants[name] = values
        return name

    def quantize(self, source: str, params: ActivationParams, output: str) -> str:
        """A float tensor in 8 bit."""
        return self.append("QuantizeLinear", (source, *self._scale(params)), output)

    def dequantize(self, source: str, params: ActivationParams, output: str) -> str:
        """An 8-bit tensor as float."""
        return self.append("DequantizeLinear", (source, *self._scale(params)), output)

    def dequantize_weight(self, name: str, weight: QuantizedWeight, output: str) -> str:
        """Integer weights or biases, by channel of axis 0, as float."""
        scale, zero_point, values = f"{name}/scale", f"{name}/zero_point", f"{name}/int8"
        self.constants[values] = weight.values
        self.constants[scale] = weight.scale
        self.constants[zero_point] = np.zeros(len(weight.scale), dtype=weight.values.dtype)
        return self.append("DequantizeLinear", (values, scale, zero_point), output, {"axis": 0})

    def quantized_constant(self, name: str, values: NDArray[Any], params: ActivationParams) -> str:
        """Store a constant operand in 8 bit; returns its name."""
        integers: NDArray[Any] = quantize_activation(values, params)
        if self._is_signed:
            integers = (integers.astype(np.int16) - _SIGN).astype(np.int8)
        return self.constant(name, integers)

    def finish(self, graph: FloatGraph) -> Any:
        """The whole `onnx.ModelProto`, with the inputs and outputs of `graph`."""
        import onnx

        model = make_model(
            nodes=self._nodes,
            inputs=[(name, graph.shapes[name]) for name in graph.inputs],
            outputs=[(name, graph.shapes[name]) for name in graph.outputs],
            constants=list(self.constants.items()),
            dtypes=graph.dtypes,
        )
        for domain in sorted(self._domains):
            model.opset_import.append(onnx.helper.make_opsetid(domain, 1))
        return model

    def _scale(self, params: ActivationParams) -> tuple[str, str]:
        zero = params.int8_zero_point if self._is_signed else params.zero_point
        scale, zero_point = f"scale {params.scale!r}", f"zero_point {zero}"
        self.constants[scale] = np.array(params.scale, dtype=np.float32)
        self.constants[zero_point] = np.array(zero, np.int8 if self._is_signed else np.uint8)
        return scale, zero_point
