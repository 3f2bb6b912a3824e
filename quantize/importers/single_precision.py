"""A model in half or double precision -> the same model in single precision, in place."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np

from edge.errors import InputError

__all__ = ["convert_to_single_precision"]

_LOG = logging.getLogger(__name__)

_TYPE_ATTRIBUTES = frozenset({"to", "dtype"})


def convert_to_single_precision(model: Any) -> bool:
    """Turn float16, bfloat16 and double tensors into float32.

    A half keeps its value exactly; a double is rounded, and one beyond the range of float32 is
    refused.

    Args:
        model: `onnx.ModelProto`, all data inside.

    Returns:
        Whether anything was changed; that is logged once.

    Raises:
        InputError: a double that float32 cannot hold, with the weight's name.
    """
    kinds = _other_floats()
    changed = set[int]()
    for tensor in _tensors(model.graph):
        if tensor.data_type in kinds:
            changed.add(tensor.data_type)
            _convert_tensor(tensor)
    for holder in _type_holders(model.graph):
        if holder.elem_type in kinds:
            changed.add(holder.elem_type)
            holder.elem_type = _single()
    for attribute in _attributes(model.graph):
        if attribute.name in _TYPE_ATTRIBUTES and attribute.i in kinds:
            changed.add(attribute.i)
            attribute.i = _single()
    if changed:
        names = ", ".join(sorted(kinds[each] for each in changed))
        _LOG.info("%s taken as float32", names)
    return bool(changed)


def _single() -> int:
    import onnx

    return int(onnx.TensorProto.FLOAT)


def _other_floats() -> dict[int, str]:
    import onnx

    kinds = onnx.TensorProto
    return {kinds.FLOAT16: "float16", kinds.BFLOAT16: "bfloat16", kinds.DOUBLE: "double"}


def _convert_tensor(tensor: Any) -> None:
    import onnx

    values = np.asarray(onnx.numpy_helper.to_array(tensor))
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    is_lost = np.isinf(single) & ~np.isinf(values.astype(np.float64))
    if is_lost.any():
        raise InputError(
            f"weight '{tensor.name}' holds {values[is_lost].reshape(-1)[0]:g}, beyond float32; "
            "export the model in float32"
        )
    tensor.CopyFrom(onnx.numpy_helper.from_array(single, tensor.name))


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _graphs(inner)


def _attributes(graph: Any) -> Iterator[Any]:
    for each in _graphs(graph):
        for node in each.node:
            yield from node.attribute


def _tensors(graph: Any) -> Iterator[Any]:
    for each in _graphs(graph):
        yield from each.initializer
    for attribute in _attributes(graph):
        yield from attribute.tensors
        if attribute.HasField("t"):
            yield attribute.t


def _type_holders(graph: Any) -> Iterator[Any]:
    for each in _graphs(graph):
        for value in (*each.input, *each.output, *each.value_info):
            if value.type.HasField("tensor_type"):
                yield value.type.tensor_type
