"""`QuantizedGraph` -> int8 ONNX in QDQ form.

Float32 in, float32 out, and between them uint8 activations and int8 weights: each operator stands
between DequantizeLinear on its inputs and QuantizeLinear on its output, one DequantizeLinear a
reader, which is what onnxruntime fuses into QLinearConv, QGemm, QLinearAdd and their like.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputTooLargeError
from edge.model_metadata import METADATA_KEY
from quantize.fusion import fused_activations
from quantize.graph import Node
from quantize.importers.onnx_file import LARGEST_MODEL_BYTES
from quantize.onnx_export import make_model, make_node
from quantize.operators import OPERATORS
from quantize.operators.clamp import clamp_bounds
from quantize.quantized_graph import ActivationParams, QuantizedGraph
from quantize.uniform import quantize_activation

__all__ = ["write_onnx_int8"]


def write_onnx_int8(graph: QuantizedGraph, *, metadata: bytes | None = None) -> bytes:
    """Write the int8 ONNX model.

    Args:
        graph: the calibrated graph.
        metadata: UTF-8 JSON to carry under `METADATA_KEY`; None for none.

    Returns:
        A serialized ModelProto of opset 17, with the source's input and output names; the same
        bytes for the same graph.

    Raises:
        InputTooLargeError: over 2 GiB.
    """
    model = _Writer(graph).write()
    if metadata is not None:
        model.metadata_props.add(key=METADATA_KEY, value=metadata.decode("utf-8"))
    if model.ByteSize() > LARGEST_MODEL_BYTES:
        raise InputTooLargeError(f"the int8 ONNX model has {model.ByteSize()} bytes, over 2 GiB")
    return bytes(model.SerializeToString(deterministic=True))


class _Writer:
    """Nodes and constants of one model while it is written."""

    def __init__(self, quantized: QuantizedGraph) -> None:
        self._quantized = quantized
        self._graph = quantized.graph
        self._fused = fused_activations(quantized.graph)
        self._nodes: list[Any] = []
        self._constants: dict[str, NDArray[Any]] = {}

    def write(self) -> Any:
        graph = self._graph
        for name in graph.inputs:
            self._quantize(name, name)
        covered = {id(node) for node in self._fused.values()}
        for node in graph.nodes:
            if id(node) not in covered:
                self._write_node(node)
        for name in graph.outputs:
            self._dequantize(f"{name}/int8", self._quantized.activations[name], name)
        return make_model(
            nodes=self._nodes,
            inputs=[(name, graph.shapes[name]) for name in graph.inputs],
            outputs=[(name, graph.shapes[name]) for name in graph.outputs],
            constants=list(self._constants.items()),
        )

    def _write_node(self, node: Node) -> None:
        operator = OPERATORS[node.op]
        data = operator.data_inputs(node)
        inputs: list[str] = []
        for at, name in enumerate(node.inputs):
            if at in {operator.weight, operator.bias} and name:
                inputs.append(self._weight(name, node))
            elif name in data:
                inputs.append(self._activation(name, node, at))
            elif name:
                self._constants[name] = self._graph.constants[name]
                inputs.append(name)
            else:
                inputs.append("")
        output = node.outputs[0]
        self._add(node, tuple(inputs), f"{output}/float")
        activation = self._fused.get(output)
        if activation is None:
            self._quantize(f"{output}/float", output)
        else:
            self._write_fused(output, activation)

    def _write_fused(self, output: str, activation: Node) -> None:
        """Let saturation clamp; where the range is wider than the bounds, clamp after it."""
        target = activation.outputs[0]
        if self._saturates(activation):
            self._quantize(f"{output}/float", target)
            return
        params = self._quantized.activations[target]
        self._quantize(f"{output}/float", output, params)
        clamped = self._dequantize(f"{output}/int8", params, f"{output}/before {activation.name}")
        bounds = activation.inputs[1:]
        self._constants.update({name: self._graph.constants[name] for name in bounds if name})
        self._add(activation, (clamped, *bounds), f"{target}/float")
        self._quantize(f"{target}/float", target)

    def _saturates(self, activation: Node) -> bool:
        """Whether the ends of uint8 lie within half a step of the activation's bounds."""
        params = self._quantized.activations[activation.outputs[0]]
        low, high = clamp_bounds(self._graph, activation)
        bottom = -params.zero_point * params.scale
        top = (255 - params.zero_point) * params.scale
        slack = params.scale * 0.5001
        return bottom >= low - slack and top <= high + slack

    def _add(self, node: Node, inputs: tuple[str, ...], output: str) -> None:
        self._nodes.append(make_node(Node(node.op, inputs, (output,), node.attributes, node.name)))

    def _activation(self, name: str, reader: Node, at: int) -> str:
        params = self._quantized.activations[name]
        if name in self._graph.constants:
            self._constants[f"{name}/int8"] = quantize_activation(
                self._graph.constants[name], params
            )
        return self._dequantize(f"{name}/int8", params, f"{name}/to {reader.name}/{at}")

    def _weight(self, name: str, reader: Node) -> str:
        weight = self._quantized.weights[name]
        scale, zero_point, values = f"{name}/scale", f"{name}/zero_point", f"{name}/int8"
        self._constants[values] = weight.values
        self._constants[scale] = weight.scale
        self._constants[zero_point] = np.zeros(len(weight.scale), dtype=weight.values.dtype)
        output = f"{name}/to {reader.name}"
        self._append("DequantizeLinear", (values, scale, zero_point), output, {"axis": 0})
        return output

    def _quantize(self, source: str, name: str, params: ActivationParams | None = None) -> None:
        scale, zero_point = self._scale(params or self._quantized.activations[name])
        self._append("QuantizeLinear", (source, scale, zero_point), f"{name}/int8")

    def _dequantize(self, source: str, params: ActivationParams, output: str) -> str:
        scale, zero_point = self._scale(params)
        self._append("DequantizeLinear", (source, scale, zero_point), output)
        return output

    def _scale(self, params: ActivationParams) -> tuple[str, str]:
        scale, zero_point = f"scale {params.scale!r}", f"zero_point {params.zero_point}"
        self._constants[scale] = np.array(params.scale, dtype=np.float32)
        self._constants[zero_point] = np.array(params.zero_point, dtype=np.uint8)
        return scale, zero_point

    def _append(
        self,
        op: str,
        inputs: tuple[str, ...],
        output: str,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        self._nodes.append(
            make_node(Node(op, inputs, (output,), attributes or {}, f"{op} {output}"))
        )
