"""`QuantizedGraph` -> int8 ONNX in QDQ form, with layers in other precisions where it says so.

Float32 in, float32 out, and between them uint8 activations and int8 weights: each INT8 operator
stands between DequantizeLinear on its inputs and QuantizeLinear on its output, one
DequantizeLinear a reader, which is what onnxruntime fuses into QLinearConv, QGemm, QLinearAdd and
their like. DYNAMIC layers are written by `quantize.onnx_dynamic`. A picture that comes as uint8
pixels goes straight into the first integer operator.
"""

from __future__ import annotations

from typing import Any

from edge.errors import InputTooLargeError
from edge.model_metadata import METADATA_KEY
from quantize.fusion import fused_activations
from quantize.graph import Node
from quantize.importers.onnx_file import LARGEST_MODEL_BYTES
from quantize.onnx_draft import OnnxDraft
from quantize.onnx_dynamic import write_dynamic
from quantize.onnx_units import join_gated_units
from quantize.operators import OPERATORS
from quantize.operators.clamp import clamp_bounds
from quantize.quantized_graph import ActivationParams, Precision, QuantizedGraph

__all__ = ["write_onnx_int8"]


def write_onnx_int8(
    graph: QuantizedGraph,
    *,
    metadata: bytes | None = None,
    is_signed: bool = False,
    joins_units: bool = False,
) -> bytes:
    """Write the int8 ONNX model.

    Args:
        graph: the calibrated graph.
        metadata: UTF-8 JSON to carry under `METADATA_KEY`; None for none.
        is_signed: int8 activations in place of uint8, for boards whose integer instructions take
            signed operands only; the same answers, two to three times slower on x86.
        joins_units: SiLU and hard-swish as one float step (`quantize.onnx_units`), which is what
            boards should run; without it every tensor of the graph is in the file by its name.

    Returns:
        A serialized ModelProto of opset 17, with the source's input and output names; the same
        bytes for the same graph.

    Raises:
        InputTooLargeError: over 2 GiB.
    """
    shaped = join_gated_units(graph) if joins_units else graph
    model = _Writer(shaped, OnnxDraft(is_signed=is_signed), takes_pixels=not is_signed).write()
    if metadata is not None:
        model.metadata_props.add(key=METADATA_KEY, value=metadata.decode("utf-8"))
    if model.ByteSize() > LARGEST_MODEL_BYTES:
        raise InputTooLargeError(f"the int8 ONNX model has {model.ByteSize()} bytes, over 2 GiB")
    return bytes(model.SerializeToString(deterministic=True))


class _Writer:
    """One model while it is written.

    Every activation has up to two forms: `NAME/int8` (uint8) and a float one. `_stored_int8` and
    `_stored_float` say which tensors hold them; the one that is missing is made when first read.
    """

    def __init__(self, quantized: QuantizedGraph, draft: OnnxDraft, *, takes_pixels: bool) -> None:
        self._quantized = quantized
        self._takes_pixels = takes_pixels
        self._graph = quantized.graph
        self._fused = fused_activations(quantized.graph, quantized.precisions)
        self._draft = draft
        self._stored_int8: dict[str, str] = {}
        self._stored_float = {name: name for name in quantized.graph.inputs}

    def write(self) -> Any:
        graph = self._graph
        covered = {id(node) for node in self._fused.values()}
        for node in graph.nodes:
            if id(node) in covered and self._is_integer(node):
                continue
            is_pixels = node.op == "DequantizeLinear"
            if not self._is_integer(node) or (is_pixels and not self._takes_pixels):
                self._write_float(node)
            elif is_pixels:
                self._stored_int8[node.outputs[0]] = node.inputs[0]
            else:
                self._write_integer(node)
        for name in graph.outputs:
            if name not in self._stored_float:
                self._dequantize(name, name)
        return self._draft.finish(graph)

    def _is_integer(self, node: Node) -> bool:
        return self._quantized.precision(node) is Precision.INT8

    def _write_float(self, node: Node) -> None:
        """A node on float32 (or integer indices), its outputs under their own names."""
        inputs = tuple(self._plain(name) if name else "" for name in node.inputs)
        if self._quantized.precision(node) is Precision.DYNAMIC:
            write_dynamic(self._draft, node, inputs, self._quantized)
        elif "." in node.op:
            self._draft.add_contrib(node, inputs)
        else:
            self._draft.add(node, inputs, node.outputs)
        self._stored_float.update({name: name for name in node.outputs if name})

    def _plain(self, name: str) -> str:
        """The float form of an activation, or a constant, or what is not float32 at all."""
        if name in self._graph.constants:
            self._draft.constants[name] = self._graph.constants[name]
            return name
        if name not in self._stored_float:
            is_output = name in self._graph.outputs
            self._stored_float[name] = self._dequantize(
                name, name if is_output else f"{name}/float32"
            )
        return self._stored_float[name]

    def _write_integer(self, node: Node) -> None:
        operator = OPERATORS[node.op]
        data = operator.data_inputs(node)
        inputs: list[str] = []
        for at, name in enumerate(node.inputs):
            if at in {operator.weight, operator.bias} and name:
                inputs.append(self._weight(name, node))
            elif name in data:
                inputs.append(self._integer_operand(name, node, at))
            else:
                inputs.append(self._plain(name) if name else "")
        output = node.outputs[0]
        self._draft.add(node, tuple(inputs), (f"{output}/float",))
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
        clamped = self._draft.dequantize(
            f"{output}/int8", params, f"{output}/before {activation.name}"
        )
        bounds = tuple(self._plain(name) if name else "" for name in activation.inputs[1:])
        self._draft.add(activation, (clamped, *bounds), (f"{target}/float",))
        self._quantize(f"{target}/float", target)

    def _saturates(self, activation: Node) -> bool:
        """Whether the ends of uint8 lie within half a step of the activation's bounds."""
        params = self._quantized.activations[activation.outputs[0]]
        low, high = clamp_bounds(self._graph, activation)
        bottom = -params.zero_point * params.scale
        top = (255 - params.zero_point) * params.scale
        slack = params.scale * 0.5001
        return bottom >= low - slack and top <= high + slack

    def _integer_operand(self, name: str, reader: Node, at: int) -> str:
        """What an INT8 node reads: a DequantizeLinear of its own on the 8-bit form."""
        if not self._graph.is_float(name):
            return self._plain(name)
        params = self._quantized.activations[name]
        if name in self._graph.constants:
            self._stored_int8[name] = self._draft.quantized_constant(
                f"{name}/int8", self._graph.constants[name], params
            )
        elif name not in self._stored_int8:
            self._quantize(self._stored_float[name], name)
        return self._draft.dequantize(
            self._stored_int8[name], params, f"{name}/to {reader.name}/{at}"
        )

    def _weight(self, name: str, reader: Node) -> str:
        return self._draft.dequantize_weight(
            name, self._quantized.weights[name], f"{name}/to {reader.name}"
        )

    def _quantize(self, source: str, name: str, params: ActivationParams | None = None) -> None:
        self._draft.quantize(source, params or self._quantized.activations[name], f"{name}/int8")
        self._stored_int8[name] = f"{name}/int8"

    def _dequantize(self, name: str, output: str) -> str:
        params = self._quantized.activations[name]
        return self._draft.dequantize(self._stored_int8[name], params, output)
