"""One graph to a TFLite file, each node in its precision.

The file holds exactly the scales, zero points and integers of the quantized graph, so it and the
int8 ONNX differ in encoding only: int8 activations have zero point `uint8 zero point - 128`.
Between integer and float nodes stands one QUANTIZE or DEQUANTIZE a tensor. `float_form(graph)`
gives the float file, from the same code. Tensors of four axes are NHWC at the ends (see
`quantize.tflite.layout`). 64-bit integers are stored in 32 bits.

Sources: the TFLite schema (see `quantize.tflite.schema`) and the int8 quantization specification
(https://ai.google.dev/edge/litert/models/quantization_spec).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal

from edge.errors import UnsupportedInputError
from edge.model_metadata import METADATA_KEY
from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import QuantizedGraph
from quantize.tflite.buffer_sharing import separate_shared_buffers
from quantize.tflite.layout import Layout, plan_layout
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Quantization, TensorSpecification
from quantize.tflite.operators import OPERATORS
from quantize.tflite.orders import stored_shape
from quantize.tflite.recurrent import RECURRENT_OPERATORS, unroll_recurrent
from quantize.tflite.schema import TensorType
from quantize.tflite.tensor_forms import End, Form, quantization, requantize

__all__ = [
    "WRITTEN_OPERATORS",
    "InputOutputType",
    "stored_axes",
    "write_tflite",
]

InputOutputType = Literal["int8", "uint8", "float32"]

WRITTEN_OPERATORS = frozenset({*OPERATORS, *RECURRENT_OPERATORS})
"""ONNX names of the operators that the writer takes."""

_LOGGER = logging.getLogger(__name__)


def write_tflite(
    graph: QuantizedGraph, *, io: InputOutputType = "int8", metadata: bytes | None = None
) -> bytes:
    """Write a TFLite model.

    Args:
        graph: calibrated; nodes in topological order.
        io: type of those float inputs and outputs that have int8 parameters. "int8" and "uint8"
            carry the graph's parameters, "float32" adds QUANTIZE and DEQUANTIZE at the ends. Other
            inputs and outputs have their own type.
        metadata: UTF-8 JSON to carry under `METADATA_KEY`; None for none.

    Returns:
        The .tflite file; equal graphs give equal bytes. Its inputs and outputs have the graph's
        names.

    Raises:
        UnsupportedInputError: some nodes cannot be written; the message names them all.
        EngineNotInstalledError: ai-edge-litert, which carries the schema, is not installed.
    """
    _check_operators(graph.graph.nodes)
    graph = unroll_recurrent(graph)
    layout = plan_layout(graph.graph)
    lowering = Lowering(graph, layout, _ends(graph, layout, io))
    inputs = [_add_input(lowering, name) for name in graph.graph.inputs]
    _emit_nodes(lowering)
    outputs = [_add_output(lowering, name) for name in graph.graph.outputs]
    if metadata is not None:
        lowering.builder.add_metadata(METADATA_KEY, metadata)
    separate_shared_buffers(lowering.builder)
    content = lowering.builder.finish(inputs, outputs)
    _LOGGER.info("wrote TFLite of %d nodes, %d bytes", len(graph.graph.nodes), len(content))
    return content


def stored_axes(graph: FloatGraph) -> Mapping[str, tuple[int, ...]]:
    """How the file's inputs and outputs lie: for each, the graph's axis that its axis `i` holds.

    (0, 2, 3, 1) is NHWC of a graph that says NCHW; an output is turned back to the graph's axes by
    `values.transpose(numpy.argsort(axes))`.
    """
    return plan_layout(graph).ends


def _ends(graph: QuantizedGraph, layout: Layout, io: InputOutputType) -> dict[str, End]:
    """How inputs and outputs stand in the file; None for uint8, which only QUANTIZE reads."""
    ends: dict[str, End] = {}
    for name in (*graph.graph.inputs, *graph.graph.outputs):
        form: Form | None = Form.VALUE
        if io != "float32" and graph.graph.is_float(name) and name in graph.activations:
            form = Form.INT8 if io == "int8" else None
        ends[name] = End(form, layout.ends[name])
    return ends


def _check_operators(nodes: tuple[Node, ...]) -> None:
    unknown = [
        f"{node.name or node.outputs[0]} ({node.op})"
        for node in nodes
        if node.op not in WRITTEN_OPERATORS
    ]
    if unknown:
        raise UnsupportedInputError(
            f"TFLite has no writer for {len(unknown)} of {len(nodes)} nodes: "
            f"{', '.join(unknown)}; it takes {', '.join(sorted(WRITTEN_OPERATORS))}"
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
            f"{len(faults)} nodes cannot be written as TFLite: {' | '.join(faults)}"
        )


def _add_input(lowering: Lowering, name: str) -> int:
    end = lowering.end(name)
    if end.form is not None:
        return lowering.tensor(name, end.form, end.order)
    outer = lowering.builder.add_tensor(_unsigned_tensor(lowering, name, end))
    lowering.builder.add_operation(requantize(outer), lowering.home_tensor(name))
    return outer


def _add_output(lowering: Lowering, name: str) -> int:
    end = lowering.end(name)
    if end.form is not None:
        return lowering.tensor(name, end.form, end.order)
    inner = lowering.tensor(name, Form.INT8, end.order)
    outer = lowering.builder.add_tensor(_unsigned_tensor(lowering, name, end))
    lowering.builder.add_operation(requantize(inner), outer)
    return outer


def _unsigned_tensor(lowering: Lowering, name: str, end: End) -> TensorSpecification:
    shape = stored_shape(lowering.graph.shape(name), end.order)
    params = lowering.params(name)
    unsigned = Quantization(quantization(params).scale, (params.zero_point,))
    return TensorSpecification(name, shape, TensorType.UINT8, unsigned)
