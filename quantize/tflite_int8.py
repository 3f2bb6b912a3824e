"""One calibrated graph to a full-integer TFLite file.

The file holds exactly the scales, zero points and integers of the quantized graph, so it and the
int8 ONNX differ in encoding only: activations are int8 with zero point `uint8 zero point - 128`,
images are NHWC. Sources: the TFLite schema (see `quantize.tflite.schema`) and the int8 quantization
specification (https://ai.google.dev/edge/litert/models/quantization_spec).
"""

from __future__ import annotations

import logging
from typing import Literal

from edge.errors import UnsupportedInputError
from edge.model_metadata import METADATA_KEY
from quantize.graph import Node
from quantize.quantized_graph import QuantizedGraph
from quantize.tflite.layout import stored_shape
from quantize.tflite.lowering import Lowering, quantization
from quantize.tflite.model_builder import Operation, Quantization, TensorSpecification
from quantize.tflite.operators import OPERATORS
from quantize.tflite.schema import TensorType

__all__ = ["InputOutputType", "write_tflite_int8"]

InputOutputType = Literal["int8", "uint8", "float32"]

_LOGGER = logging.getLogger(__name__)


def write_tflite_int8(
    graph: QuantizedGraph, *, io: InputOutputType = "int8", metadata: bytes | None = None
) -> bytes:
    """Write a full-integer TFLite model.

    Args:
        graph: calibrated; nodes in topological order.
        io: type of the inputs and outputs. "int8" and "uint8" carry the graph's parameters,
            "float32" adds QUANTIZE and DEQUANTIZE at the ends. Rank-4 inputs and outputs are NHWC.
        metadata: UTF-8 JSON to carry under `METADATA_KEY`; None for none.

    Returns:
        The .tflite file; equal graphs give equal bytes. Its tensors have the graph's names.

    Raises:
        UnsupportedInputError: some nodes cannot be written; the message names them all.
        EngineNotInstalledError: ai-edge-litert, which carries the schema, is not installed.
    """
    _check_operators(graph.graph.nodes)
    ends = (*graph.graph.inputs, *graph.graph.outputs)
    lowering = Lowering(graph, {} if io == "int8" else {name: f"{name}:int8" for name in ends})
    inputs = [_add_input(lowering, name, io) for name in graph.graph.inputs]
    _emit_nodes(lowering)
    outputs = [_add_output(lowering, name, io) for name in graph.graph.outputs]
    if metadata is not None:
        lowering.builder.add_metadata(METADATA_KEY, metadata)
    content = lowering.builder.finish(inputs, outputs)
    _LOGGER.info("wrote int8 TFLite of %d nodes, %d bytes", len(graph.graph.nodes), len(content))
    return content


def _check_operators(nodes: tuple[Node, ...]) -> None:
    unknown = [
        f"{node.name or node.outputs[0]} ({node.op})" for node in nodes if node.op not in OPERATORS
    ]
    if unknown:
        raise UnsupportedInputError(
            f"int8 TFLite has no writer for {len(unknown)} of {len(nodes)} nodes: "
            f"{', '.join(unknown)}; it takes {', '.join(sorted(OPERATORS))}"
        )


def _emit_nodes(lowering: Lowering) -> None:
    faults: list[str] = []
    for node in lowering.graph.nodes:
        if lowering.is_fused(node):
            continue
        try:
            OPERATORS[node.op](lowering, node)
        except UnsupportedInputError as error:
            faults.append(f"{node.name or node.outputs[0]} ({node.op}): {error}")
    if faults:
        raise UnsupportedInputError(
            f"{len(faults)} nodes cannot be written as int8 TFLite: {' | '.join(faults)}"
        )


def _add_input(lowering: Lowering, name: str, io: InputOutputType) -> int:
    if io == "int8":
        return lowering.activation(name)
    outer = lowering.builder.add_tensor(_end_tensor(lowering, name, io))
    operation = Operation("QUANTIZE", 1, (outer,), "QuantizeOptions")
    lowering.builder.add_operation(operation, lowering.activation(name))
    return outer


def _add_output(lowering: Lowering, name: str, io: InputOutputType) -> int:
    inner = lowering.activation(name)
    if io == "int8":
        return inner
    outer = lowering.builder.add_tensor(_end_tensor(lowering, name, io))
    if io == "uint8":
        operation = Operation("QUANTIZE", 1, (inner,), "QuantizeOptions")
    else:
        operation = Operation("DEQUANTIZE", 2, (inner,), "DequantizeOptions")
    lowering.builder.add_operation(operation, outer)
    return outer


def _end_tensor(lowering: Lowering, name: str, io: InputOutputType) -> TensorSpecification:
    shape = stored_shape(lowering.graph.shape(name))
    if io == "float32":
        return TensorSpecification(name, shape, TensorType.FLOAT32)
    params = lowering.params(name)
    unsigned = Quantization(quantization(params).scale, (params.zero_point,))
    return TensorSpecification(name, shape, TensorType.UINT8, unsigned)
