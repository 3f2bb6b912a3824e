"""ONNX file -> checked, canonical `FloatGraph`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import FloatGraph, Node
from quantize.importers.onnx_file import load_onnx_file, main_opset
from quantize.importers.onnx_nodes import convert_nodes
from quantize.importers.onnx_trace import trace_model
from quantize.importers.remedies import remedy_of
from quantize.importers.static_shapes import fix_input_shapes
from quantize.importers.weight_check import check_weights
from quantize.operators import OPERATORS
from quantize.passes import PASSES, canonicalise

__all__ = ["import_model", "import_onnx", "load_static_onnx"]

_CONSTANT_TYPES = frozenset({"bool", "float32", "int32", "int64", "uint8"})
_MOST_NAMED = 6
"""Kinds of faults told in one line."""


def import_onnx(
    path: Path, *, input_shapes: Mapping[str, tuple[int, ...]] | None = None
) -> FloatGraph:
    """Read an ONNX model as a float graph that can be quantized.

    Args:
        path: the .onnx file, opset 11 or later, at most 2 GiB with its external data.
        input_shapes: full shapes by input name, where the model leaves more open than the batch.

    Returns:
        A graph of supported operators only, static shapes, batch 1.

    Raises:
        InputError: unreadable or invalid; `UnsupportedInputError` names every operator that is
            not supported.
        UsageError: `input_shapes` does not fit the model.
    """
    return import_model(load_static_onnx(path, input_shapes=input_shapes))


def load_static_onnx(
    path: Path, *, input_shapes: Mapping[str, tuple[int, ...]] | None = None
) -> Any:
    """Read and check an ONNX model and fix its input shapes.

    Returns:
        `onnx.ModelProto` with static inputs, batch 1.

    Raises:
        InputError: as `import_onnx`.
    """
    model = _without_functions(load_onnx_file(path))
    fix_input_shapes(model, input_shapes)
    return model


def _without_functions(model: Any) -> Any:
    """Functions that a model brings with it (exports of PyTorch do) are written out."""
    if not len(model.functions):
        return model
    import onnx.inliner

    return onnx.inliner.inline_local_functions(model)


def import_model(model: Any) -> FloatGraph:
    """Turn a static `onnx.ModelProto` into a canonical float graph.

    Raises:
        InputError: as `import_onnx`.
    """
    opset = main_opset(model)
    _check_domains(model)
    input_shapes = fix_input_shapes(model)
    trace = trace_model(model, input_shapes)
    nodes, made = convert_nodes(model, trace, opset)
    constants = {name: _plain(value) for name, value in {**trace.constants, **made}.items()}
    check_weights(nodes, constants)
    outputs = tuple(each.name for each in model.graph.output)
    constant_output = next((name for name in outputs if name in trace.constants), None)
    if constant_output is not None:
        raise UnsupportedInputError(
            f"model output '{constant_output}' does not depend on the input; remove it"
        )
    graph = FloatGraph(
        nodes=nodes,
        inputs=tuple(input_shapes),
        outputs=outputs,
        constants=constants,
        shapes=trace.shapes,
        dtypes=trace.dtypes,
    )
    graph = canonicalise(graph)
    _check_operators(graph, opset)
    _check_constant_types(graph)
    return graph


def _plain(values: Any) -> Any:
    array = np.asarray(values)
    if array.dtype.kind in "iu" and str(array.dtype) not in _CONSTANT_TYPES:
        return array.astype(np.int64)
    return array


def _check_domains(model: Any) -> None:
    absorbed = _absorbed()
    foreign = [
        (f"{node.domain}.{node.op_type}", node.name or node.output[0], "")
        for node in model.graph.node
        if node.domain not in {"", "ai.onnx"} and f"{node.domain}.{node.op_type}" not in absorbed
    ]
    _refuse(foreign, main_opset(model))


def _absorbed() -> set[str]:
    return set[str]().union(*(each.absorbs for each in PASSES))


def _check_operators(graph: FloatGraph, opset: int) -> None:
    refused: list[tuple[str, str, str]] = []
    for node in graph.nodes:
        fault = _find_fault(graph, node)
        if fault is not None:
            refused.append((node.op, node.name, fault))
    _refuse(refused, opset)


def _check_constant_types(graph: FloatGraph) -> None:
    for name, values in graph.constants.items():
        if str(values.dtype) not in _CONSTANT_TYPES:
            raise UnsupportedInputError(
                f"constant '{name}' is {values.dtype}; only float32 is supported, "
                "so export the model in float32"
            )


def _find_fault(graph: FloatGraph, node: Node) -> str | None:
    """Why a node cannot be quantized: "" for an unknown operator; None if it can."""
    operator = OPERATORS.get(node.op)
    if operator is None:
        return ""
    for at, name in enumerate(node.inputs):
        if at in operator.parameters and name and name not in graph.constants:
            return f"input '{name}' is computed; only a constant is supported"
    data = operator.data_inputs(node)
    if all(name in graph.constants for name in data):
        return "no input depends on the model's input"
    constant = next((name for name in data if name in graph.constants), None)
    if constant is not None and not operator.takes_constant:
        return f"input '{constant}' is a constant"
    return operator.find_fault(graph, node)


def _refuse(refused: list[tuple[str, str, str]], opset: int) -> None:
    """Raise one line that names every operator refused, an example of each, and a way out."""
    if not refused:
        return
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for op, name, fault in refused:
        groups[op, fault].append(name)
    parts = [
        f"{op} x{len(names)} (e.g. node '{names[0]}'): {fault or remedy_of(op, opset)}"
        for (op, fault), names in sorted(groups.items())
    ]
    if len(parts) > _MOST_NAMED:
        parts[_MOST_NAMED:] = [f"and {len(parts) - _MOST_NAMED} more kinds of operators"]
    raise UnsupportedInputError(
        f"unsupported: {'; '.join(parts)}; docs/operators.md lists the operators that are supported"
    )
