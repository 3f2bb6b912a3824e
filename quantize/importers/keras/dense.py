"""Dense, Embedding, and the layers that shape tensors without arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from quantize.importers.keras.activations import apply_activation
from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.onnx_graph import Tensor

__all__ = ["DENSE_LAYERS", "MASK_OPERATIONS", "as_padding"]

_MATRIX = 2


def _write_dense(call: LayerCall) -> Tensor:
    graph, tensor = call.graph, call.input
    units = int(call.number("units", 0))
    kernel = graph.constant(call.weight(0, (tensor.shape[-1], units), "kernel"), "kernel")
    has_bias = bool(call.option("use_bias", True))
    bias = graph.constant(call.weight(1, (units,), "bias"), "bias") if has_bias else None
    if tensor.rank == _MATRIX:
        result = graph.add("Gemm", tensor, kernel, bias)
    else:
        result = graph.add("MatMul", tensor, kernel)
        result = result if bias is None else graph.add("Add", result, bias)
    return apply_activation(call, result, call.option("activation"))


def _write_embedding(call: LayerCall) -> Tensor:
    """Rows of a table by whole number; with `mask_zero`, number 0 is padding."""
    graph, numbers = call.graph, call.input
    shape = (int(call.number("input_dim", 0)), int(call.number("output_dim", 0)))
    table = graph.constant(call.weight(0, shape, "embeddings"), "embeddings")
    if numbers.dtype not in {"int32", "int64"}:
        numbers = graph.add("Cast", numbers, to=_type_number("int64"))
    rows = graph.add("Gather", table, numbers, axis=0)
    if not call.option("mask_zero"):
        return rows
    if numbers.rank != _MATRIX:
        raise call.refuse("mask_zero on other than a series of numbers")
    return rows.with_padding(as_padding(call, is_value(call, call.input, 0)))


def _type_number(name: str) -> int:
    import numpy as np
    import onnx

    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(name)))


def is_value(call: LayerCall, tensor: Tensor, value: float) -> Tensor:
    """1 where a tensor has a value, 0 elsewhere: the padding that Keras' `x != value` leaves."""
    graph = call.graph
    if tensor.dtype != "float32":
        tensor = graph.add("Cast", tensor, to=_type_number("int64"))
    number = float(value) if tensor.dtype == "float32" else int(value)
    equal = graph.add("Equal", tensor, graph.constant(number, "mask_value"))
    return replace(graph.add("Cast", equal, to=_type_number("float32")), is_mask=True)


def as_padding(call: LayerCall, mask: Tensor) -> Tensor:
    """A mask in the form that tensors carry: (batch, steps, 1)."""
    if mask.rank == _MATRIX:
        return call.graph.reshape(mask, (*mask.shape, 1))
    if mask.rank != _MATRIX + 1 or mask.shape[-1] != 1:
        raise call.refuse(f"a mask of shape {mask.shape}")
    return mask


def _write_not_equal(call: LayerCall) -> Tensor:
    tensor, value = call.arguments
    if not isinstance(tensor, Tensor) or not isinstance(value, (int, float)):
        raise call.refuse("a comparison of other than a tensor with a number")
    return is_value(call, tensor, value)


def _write_any(call: LayerCall) -> Tensor:
    """A step is padding where none of its values counts; the last axis stays, of size 1."""
    if not call.input.is_mask or call.option("axis") not in (-1, call.input.rank - 1):
        raise call.refuse("only a mask over the last axis is supported")
    return replace(call.graph.add("ReduceMin", call.input, axes=[-1], keepdims=1), is_mask=True)


def _write_masking(call: LayerCall) -> Tensor:
    """A step whose every value is `mask_value` is padding, and becomes zero."""
    graph, tensor = call.graph, call.input
    found = is_value(call, tensor, call.number("mask_value", 0.0))
    padding = graph.add("ReduceMin", found, axes=[-1], keepdims=1)
    keep = graph.add("Sub", graph.constant(1.0, "one"), padding)
    return graph.add("Mul", tensor, keep).with_padding(padding)


def _write_flatten(call: LayerCall) -> Tensor:
    graph, tensor = call.graph, call.input
    if not call.is_channels_last:
        tensor = graph.transpose(tensor, [0, *range(2, tensor.rank), 1])
    return graph.reshape(tensor, (tensor.shape[0], math.prod(tensor.shape[1:])))


def _write_reshape(call: LayerCall) -> Tensor:
    wanted = [int(size) for size in call.option("target_shape", ())]
    known = -math.prod(wanted) if -1 in wanted else 1
    whole = math.prod(call.input.shape[1:])
    sizes = [whole // max(known, 1) if size == -1 else size for size in wanted]
    if math.prod(sizes) != whole:
        raise call.refuse(f"{call.input.shape[1:]} cannot become {tuple(wanted)}")
    return call.graph.reshape(call.input, (call.input.shape[0], *sizes))


def _write_permute(call: LayerCall) -> Tensor:
    return call.graph.transpose(call.input, [0, *map(int, call.option("dims", ()))])


def _write_repeat_vector(call: LayerCall) -> Tensor:
    batch, size = call.input.shape
    count = int(call.number("n", 1))
    graph = call.graph
    column = graph.reshape(call.input, (batch, 1, size))
    return graph.add("Expand", column, graph.constant([batch, count, size], "shape"))


def _write_nothing(call: LayerCall) -> Tensor:
    """Layers that act in training only, and those that name or check their input."""
    return call.input


DENSE_LAYERS: Mapping[str, LayerWriter] = {
    "Dense": _write_dense,
    "Embedding": _write_embedding,
    "Masking": _write_masking,
    "Flatten": _write_flatten,
    "Reshape": _write_reshape,
    "Permute": _write_permute,
    "RepeatVector": _write_repeat_vector,
    **dict.fromkeys(
        (
            "Dropout",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "AlphaDropout",
            "GaussianDropout",
            "GaussianNoise",
            "ActivityRegularization",
            "Identity",
            "RandomFlip",
            "RandomRotation",
            "RandomZoom",
            "RandomTranslation",
            "RandomContrast",
            "RandomBrightness",
        ),
        _write_nothing,
    ),
}

MASK_OPERATIONS: Mapping[str, LayerWriter] = {"NotEqual": _write_not_equal, "Any": _write_any}
"""What Keras 3 records where it computes a mask."""
