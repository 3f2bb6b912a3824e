"""LayerNormalization over the last axis with both parameters; its relatives made of it.

Over several axes: they are made one by Reshape. SkipLayerNormalization of onnxruntime is an Add
before it. InstanceNormalization (Ulyanov et al. 2016) is written with means, so that the layout
of a picture need not change; GroupNormalization (Wu and He 2018) normalises rows of one group.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass, Writer, rewriting
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_NORMALIZATION"]

_EPSILON = 1e-5


def _epsilon(node: Node) -> float:
    return float(node.attributes.get("epsilon", _EPSILON))


def _write_layer(draft: GraphDraft, node: Node) -> None:
    if any(name and name not in draft.constants for name in node.inputs[1:]):
        return
    source = node.inputs[0]
    shape = draft.shape(source)
    first = int(node.attributes.get("axis", -1)) % len(shape)
    width = prod(shape[first:])
    made = Replacement(draft, node)
    scale = _spread(draft, node, 1, shape[first:], default=1.0)
    bias = _spread(draft, node, 2, shape[first:], default=0.0)
    names = (made.constant(scale, hint="scale"), made.constant(bias, hint="bias"))
    attributes = {"axis": -1, "epsilon": _epsilon(node)}
    if first == len(shape) - 1:
        made.finish("LayerNormalization", source, *names, attributes=attributes)
        return
    rows = made.reshape(source, (*shape[:first], width))
    normal = made.add(
        "LayerNormalization", rows, *names, shape=(*shape[:first], width), attributes=attributes
    )
    made.finish_reshape(normal)


def _spread(
    draft: GraphDraft, node: Node, at: int, shape: tuple[int, ...], *, default: float
) -> NDArray[Any]:
    """An optional parameter, one value an element of what is normalised, flat."""
    name = node.inputs[at] if len(node.inputs) > at else ""
    values = draft.constants[name] if name else np.array(default, np.float32)
    spread: NDArray[Any] = np.broadcast_to(values, shape).reshape(-1).copy()
    return spread


def _write_skip_layer(draft: GraphDraft, node: Node) -> None:
    """(input, skip, gamma, beta, bias) of onnxruntime; the sum is its fourth output."""
    source, skip = node.inputs[:2]
    bias = node.inputs[4] if node.inputs[4:] else ""
    made = Replacement(draft, node)
    total = made.add("Add", source, skip)
    if bias:
        total = made.add("Add", total, bias)
    parameters = [node.inputs[2], *(name for name in node.inputs[3:4] if name)]
    made.finish(
        "LayerNormalization",
        total,
        *parameters,
        attributes={"axis": -1, "epsilon": float(node.attributes.get("epsilon", 1e-12))},
    )
    layer = draft.producer(node.outputs[0])
    if node.outputs[3:] and node.outputs[3]:
        draft.redirect(node.outputs[3], total)
    if layer is not None:
        _write_layer(draft, layer)


def _write_instance(draft: GraphDraft, node: Node) -> None:
    source, scale_name, bias_name = node.inputs
    if scale_name not in draft.constants or bias_name not in draft.constants:
        return
    shape = draft.shape(source)
    axes = tuple(range(2, len(shape)))
    made = Replacement(draft, node)
    normal = _normalise(made, source, shape, axes, _epsilon(node))
    column = (shape[1],) + (1,) * len(axes)
    scale = made.constant(draft.constants[scale_name].reshape(column), hint="scale")
    bias = made.constant(draft.constants[bias_name].reshape(column), hint="bias")
    made.finish("Add", made.add("Mul", normal, scale), bias)


def _normalise(
    made: Replacement, source: str, shape: tuple[int, ...], axes: tuple[int, ...], epsilon: float
) -> str:
    small = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    attributes = {"axes": axes, "keepdims": 1}
    mean = made.add("ReduceMean", source, shape=small, attributes=attributes)
    centred = made.add("Sub", source, mean)
    square = made.add("Mul", centred, centred)
    variance = made.add("ReduceMean", square, shape=small, attributes=attributes)
    deviation = made.add("Sqrt", made.add("Add", variance, made.constant(epsilon)))
    return made.add("Div", centred, deviation)


def _write_group(draft: GraphDraft, node: Node) -> None:
    """Scale and bias are one a channel since opset 21, one a group before."""
    source, scale_name, bias_name = node.inputs
    if scale_name not in draft.constants or bias_name not in draft.constants:
        return
    shape = draft.shape(source)
    groups, channels = int(node.attributes["num_groups"]), shape[1]
    width = prod(shape[1:]) // groups
    made = Replacement(draft, node)
    rows = made.reshape(source, (shape[0] * groups, width))
    ones, zeros = made.constant(np.ones(width)), made.constant(np.zeros(width))
    normal = made.add(
        "LayerNormalization",
        rows,
        ones,
        zeros,
        shape=(shape[0] * groups, width),
        attributes={"axis": -1, "epsilon": _epsilon(node)},
    )
    column = (channels,) + (1,) * (len(shape) - 2)
    scale, bias = (
        made.constant(np.repeat(values, channels // values.size).reshape(column))
        for values in (draft.constants[scale_name], draft.constants[bias_name])
    )
    made.finish("Add", made.add("Mul", made.reshape(normal, shape), scale), bias)


_WRITERS: Mapping[str, Writer] = {
    "GroupNormalization": _write_group,
    "InstanceNormalization": _write_instance,
    "LayerNormalization": _write_layer,
    "com.microsoft.SkipLayerNormalization": _write_skip_layer,
}


CANONICAL_NORMALIZATION = GraphPass(
    "canonical normalization",
    rewriting(_WRITERS),
    {
        "GroupNormalization": "Reshape LayerNormalization Conv",
        "InstanceNormalization": "GlobalAveragePool Sub Mul Add Sqrt Div Conv",
        "com.microsoft.SkipLayerNormalization": "Add LayerNormalization",
    },
)
