"""Linear models of ONNX' second domain, as scikit-learn exports them -> standard operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edge.errors import UnsupportedInputError

__all__ = ["lower_ml_operators"]

_DOMAIN = "ai.onnx.ml"
_AFTER = {"NONE": "", "": "", "SOFTMAX": "Softmax", "LOGISTIC": "Sigmoid"}


def lower_ml_operators(model: Any) -> None:
    """Rewrite Scaler, Normalizer, LinearClassifier (its scores), LinearRegressor, in place.

    Other operators of the domain, and a classifier whose label is asked for, stay and are
    refused by name later.

    Args:
        model: `onnx.ModelProto` without dead nodes.

    Raises:
        UnsupportedInputError: a form of these operators that is not supported.
    """
    needed = {each.name for each in model.graph.output}
    needed.update(name for node in model.graph.node for name in node.input)
    made: list[Any] = []
    for node in model.graph.node:
        write = _WRITERS.get(node.op_type) if node.domain == _DOMAIN else None
        is_label_needed = node.op_type == "LinearClassifier" and node.output[0] in needed
        made += [node] if write is None or is_label_needed else write(model.graph, node)
    if len(made) == len(model.graph.node) and all(
        old is new for old, new in zip(model.graph.node, made, strict=True)
    ):
        return
    kept = [_copy(node) for node in made]
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _copy(node: Any) -> Any:
    import onnx

    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    return copied


def _attributes(node: Any) -> dict[str, Any]:
    import onnx

    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def _constant(graph: Any, node: Any, name: str, values: Any) -> str:
    import onnx

    full = f"{node.output[-1]}/{name}"
    array = np.asarray(values, np.float32)
    graph.initializer.append(onnx.numpy_helper.from_array(array, full))
    return full


def _write_scaler(graph: Any, node: Any) -> list[Any]:
    from onnx import helper

    stated = _attributes(node)
    offset = _constant(graph, node, "offset", stated.get("offset", [0.0]))
    scale = _constant(graph, node, "scale", stated.get("scale", [1.0]))
    shifted, result = f"{node.output[0]}/shifted", node.output[0]
    return [
        helper.make_node("Sub", [node.input[0], offset], [shifted], f"{node.name}/shift"),
        helper.make_node("Mul", [shifted, scale], [result], node.name),
    ]


def _write_linear(graph: Any, node: Any) -> list[Any]:
    """Products with one row of coefficients a score, and what is stated to come after."""
    from onnx import helper

    stated = _attributes(node)
    intercepts = np.asarray(stated.get("intercepts", [0.0]), np.float32)
    rows = int(stated.get("targets", intercepts.size))
    after = stated.get("post_transform", b"NONE").decode()
    is_binary_in_one = node.op_type == "LinearClassifier" and rows == 1
    if after not in _AFTER or is_binary_in_one:
        raise UnsupportedInputError(
            f"{node.op_type} '{node.name}' with {rows} rows and post_transform '{after}'; NONE, "
            "SOFTMAX and LOGISTIC with a row a class are supported"
        )
    weights = np.asarray(stated["coefficients"], np.float32).reshape(rows, -1)
    names = [
        node.input[0],
        _constant(graph, node, "coefficients", weights),
        _constant(graph, node, "intercepts", np.broadcast_to(intercepts, (rows,))),
    ]
    result = node.output[-1]
    op = _AFTER[after]
    if not op:
        return [helper.make_node("Gemm", names, [result], node.name, transB=1)]
    extra = {"axis": -1} if op == "Softmax" else {}
    return [
        helper.make_node("Gemm", names, [f"{result}/linear"], node.name, transB=1),
        helper.make_node(op, [f"{result}/linear"], [result], f"{node.name}/{op}", **extra),
    ]


def _write_normalizer(_graph: Any, node: Any) -> list[Any]:
    from onnx import helper

    norm = _attributes(node).get("norm", b"MAX").decode()
    if norm not in _NORMS:
        raise UnsupportedInputError(f"Normalizer '{node.name}' by {norm}; L1 and L2 are supported")
    order = _NORMS[norm]
    return [
        helper.make_node("LpNormalization", node.input, node.output, node.name, axis=-1, p=order)
    ]


_NORMS = {"L1": 1, "L2": 2}

_WRITERS: Mapping[str, Callable[[Any, Any], list[Any]]] = {
    "Scaler": _write_scaler,
    "Normalizer": _write_normalizer,
    "LinearClassifier": _write_linear,
    "LinearRegressor": _write_linear,
}
