"""Attention layers: scores, softmax over what is attended to, weighted sum.

Vaswani et al. 2017 for the scaled product of several heads; Luong et al. 2015 for the plain one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.onnx_graph import Tensor

__all__ = ["ATTENTION_LAYERS"]

_SERIES_RANK = 3
_MASKED = -1e9
"""Added to the score of what must not be attended to."""


def _write_multi_head(call: LayerCall) -> Tensor | tuple[Tensor, ...]:
    query, value, key = _tensors(call)
    heads, width = int(call.number("num_heads", 1)), int(call.number("key_dim", 1))
    value_width = int(call.number("value_dim", width))
    _check_multi_head(call, query)
    has_bias = bool(call.option("use_bias", True))
    step = 1 + has_bias
    graph = call.graph
    queries = _project(call, query, 0, "query", (heads, width))
    keys = _project(call, key, step, "key", (heads, width))
    values = _project(call, value, 2 * step, "value", (heads, value_width))
    scaled = graph.add("Mul", queries, graph.constant(1 / math.sqrt(width), "scale"))
    scores = graph.add("MatMul", scaled, graph.transpose(keys, [0, 1, 3, 2]))
    if call.keywords.get("use_causal_mask"):
        scores = graph.add("Add", scores, graph.constant(_causal(scores.shape[-2:]), "causal"))
    weights = graph.add("Softmax", scores, axis=-1)
    mixed = graph.transpose(graph.add("MatMul", weights, values), [0, 2, 1, 3])
    batch, steps = mixed.shape[:2]
    flat = graph.reshape(mixed, (batch, steps, heads * value_width))
    kernel = call.weight(3 * step, (heads, value_width, None), "output kernel")
    kernel = kernel.reshape(heads * value_width, kernel.shape[-1])
    output = graph.add("MatMul", flat, graph.constant(kernel, "output_kernel"))
    if has_bias:
        bias = call.weight(3 * step + 1, (kernel.shape[-1],), "output bias")
        output = graph.add("Add", output, graph.constant(bias, "output_bias"))
    if call.keywords.get("return_attention_scores"):
        return output, weights
    return output


def _tensors(call: LayerCall) -> tuple[Tensor, Tensor, Tensor]:
    """Query, value, key: positional or by name; the key is the value where not given."""
    given = list(call.inputs)
    names = ("query", "value", "key")
    for name in names[len(given) :]:
        found = call.keywords.get(name)
        if isinstance(found, Tensor):
            given.append(found)
    if len(given) < len(names) - 1:
        raise call.refuse("it needs a query and a value")
    return given[0], given[1], given[2] if len(given) > len(names) - 1 else given[1]


def _check_multi_head(call: LayerCall, query: Tensor) -> None:
    masks = ("attention_mask", "query_mask", "value_mask", "key_mask")
    if any(call.keywords.get(each) is not None for each in masks):
        raise call.refuse("attention masks are not supported; only use_causal_mask is")
    if any(each.padding is not None for each in _tensors(call)):
        raise call.refuse(
            "it attends over masked steps; if no series is ever padded, say so with "
            "--assume-no-padding"
        )
    if query.rank != _SERIES_RANK or call.option("attention_axes") not in (None, [1], 1):
        raise call.refuse("attention over other than the steps of a series")
    if call.option("use_gate") or call.option("sliding_window"):
        raise call.refuse("use_gate and sliding_window are not supported")


def _project(call: LayerCall, tensor: Tensor, at: int, name: str, heads: tuple[int, int]) -> Tensor:
    """(batch, steps, features) -> (batch, heads, steps, width)."""
    graph, count = call.graph, heads[0] * heads[1]
    kernel = call.weight(at, (tensor.shape[-1], *heads), f"{name} kernel")
    result = graph.add(
        "MatMul", tensor, graph.constant(kernel.reshape(-1, count), f"{name}_kernel")
    )
    if call.option("use_bias", True):
        bias = call.weight(at + 1, heads, f"{name} bias").reshape(count)
        result = graph.add("Add", result, graph.constant(bias, f"{name}_bias"))
    split = graph.reshape(result, (*tensor.shape[:2], *heads))
    return graph.transpose(split, [0, 2, 1, 3])


def _causal(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """0 up to a step's own place, far below zero after it."""
    rows, columns = shape
    return np.triu(np.full((rows, columns), _MASKED, np.float32), k=1)


def _write_attention(call: LayerCall) -> Tensor | tuple[Tensor, ...]:
    """Attention over a list of query, value and, if given, key."""
    query, value, key = _tensors(call)
    if any(each.padding is not None for each in call.inputs):
        raise call.refuse("it attends over masked steps")
    if call.option("score_mode", "dot") != "dot" or call.keywords.get("mask") is not None:
        raise call.refuse("only score_mode 'dot' without a mask is supported")
    graph = call.graph
    scores = graph.add("MatMul", query, graph.transpose(key, [0, 2, 1]))
    if call.option("use_scale"):
        scores = graph.add("Mul", scores, graph.constant(call.weight(0, (), "scale"), "scale"))
    if call.keywords.get("use_causal_mask") or call.option("causal"):
        scores = graph.add("Add", scores, graph.constant(_causal(scores.shape[-2:]), "causal"))
    weights = graph.add("Softmax", scores, axis=-1)
    output = graph.add("MatMul", weights, value)
    return (output, weights) if call.keywords.get("return_attention_scores") else output


ATTENTION_LAYERS: Mapping[str, LayerWriter] = {
    "MultiHeadAttention": _write_multi_head,
    "Attention": _write_attention,
}
