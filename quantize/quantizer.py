"""Float graph and ranges -> `QuantizedGraph`: every integer parameter, fixed once.

A fused activation's range lies inside its bounds, so that saturation does its work, with one
exception: where a same-scale group (a Concat) joins it with values beyond those bounds, the
group's range is wider, and a writer has to clamp as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge.errors import InputError, UnsupportedInputError
from quantize.calibration import TensorRange
from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.quantized_graph import (
    ActivationParams,
    Precision,
    QuantizedGraph,
    QuantizedWeight,
)
from quantize.raw_inputs import integer_weights
from quantize.same_scale import same_scale_groups
from quantize.uniform import activation_params, quantize_bias, quantize_weight, weight_scales

__all__ = ["prescribed_params", "quantize_graph"]

_LEAST_MULTIPLIER = 2.0**-24
"""Engines multiply by input scale * weight scale / output scale in fixed point of 31 bits; a
channel whose weights are so small that less than this is left would round to nothing or fail."""

_GREATEST_MULTIPLIER = 128.0
"""XNNPACK takes requantization multipliers below 256."""


def quantize_graph(
    graph: FloatGraph,
    ranges: Mapping[str, TensorRange],
    precisions: Mapping[str, Precision] | None = None,
) -> QuantizedGraph:
    """Fix the parameters of every activation, weight and bias.

    Args:
        graph: the float graph, supported operators only.
        ranges: from `calibrate`: equal within each same-scale group, and inside the bounds of a
            fused activation.
        precisions: by node name; INT8 for those not named.

    Returns:
        What both writers write. A sum or product that no fixed point holds is FLOAT in it,
        whatever was asked for.

    Raises:
        InputError: a range is missing.
        UnsupportedInputError: operators whose outputs have prescribed parameters meet, in one
            same-scale group, values that those cannot hold.
    """
    chosen = dict(precisions or {})
    integer = [
        node for node in graph.nodes if chosen.get(node.name, Precision.INT8) is Precision.INT8
    ]
    activations = _activation_params(graph, integer, ranges, chosen)
    activations.update(_constant_operands(graph, integer))
    weights: dict[str, QuantizedWeight] = {}
    fused = fused_activations(graph, chosen)
    for node in _too_steep(integer, activations, fused):
        follower = fused.get(node.outputs[0])
        chosen.update({each.name: Precision.FLOAT for each in (node, follower) if each})
    integer = [node for node in integer if chosen.get(node.name) is not Precision.FLOAT]
    fused = fused_activations(graph, chosen)
    for node in integer:
        if OPERATORS[node.op].weight is None:
            continue
        output = node.outputs[0]
        target = fused[output].outputs[0] if output in fused else output
        weights.update(
            _layer_weights(graph, node, activations[node.inputs[0]], activations[target])
        )
    for node in graph.nodes:
        if chosen.get(node.name) is Precision.DYNAMIC:
            weights.update(_dynamic_weights(graph, node))
    return QuantizedGraph(graph=graph, activations=activations, weights=weights, precisions=chosen)


def _too_steep(
    integer: Sequence[Node],
    activations: Mapping[str, ActivationParams],
    fused: Mapping[str, Node],
) -> list[Node]:
    """Sums and products whose operands are too coarse for their output's step.

    Fixed point overflows there without a word in some engines, so they are left in float.
    """
    found: list[Node] = []
    for node in integer:
        if node.op not in {"Add", "Mul"}:
            continue
        output = node.outputs[0]
        target = fused[output].outputs[0] if output in fused else output
        scales = [activations[name].scale for name in OPERATORS[node.op].data_inputs(node)]
        top = max(scales) if node.op == "Add" else scales[0] * scales[-1]
        if top / activations[target].scale > _GREATEST_MULTIPLIER:
            found.append(node)
    return found


def _dynamic_weights(graph: FloatGraph, node: Node) -> dict[str, QuantizedWeight]:
    found: dict[str, QuantizedWeight] = {}
    for at in integer_weights(graph, node):
        weights = graph.constants[node.inputs[at]]
        rows = weights.reshape(-1, weights.shape[-1])
        by_row = quantize_weight(rows, weight_scales(rows))
        found[node.inputs[at]] = replace(by_row, values=by_row.values.reshape(weights.shape))
    return found


def _activation_params(
    graph: FloatGraph,
    integer: Sequence[Node],
    ranges: Mapping[str, TensorRange],
    precisions: Mapping[str, Precision],
) -> dict[str, ActivationParams]:
    groups = same_scale_groups(graph, precisions)
    fixed = {
        node.outputs[0]: prescribed
        for node in integer
        if (prescribed := prescribed_params(graph, node)) is not None
    }
    params: dict[str, ActivationParams] = {}
    for name, members in groups.items():
        if name not in ranges:
            raise InputError(f"activation '{name}' has no calibrated range")
        prescribed = next((fixed[each] for each in members if each in fixed), None)
        if prescribed is None:
            params[name] = activation_params(ranges[name].low, ranges[name].high)
            continue
        _check_fits(members, ranges[name], prescribed)
        params[name] = prescribed
    return params


def _check_fits(members: tuple[str, ...], found: TensorRange, prescribed: ActivationParams) -> None:
    low = -prescribed.zero_point * prescribed.scale
    high = (256 - prescribed.zero_point) * prescribed.scale
    slack = prescribed.scale / 2
    if found.low < low - slack or found.high > high + slack:
        names = ", ".join(f"'{name}'" for name in members[:3])
        raise UnsupportedInputError(
            f"activations {names} share one scale, and a Sigmoid or Softmax among them prescribes "
            f"{low:g} .. {high:g}, but values from {found.low:g} to {found.high:g} were seen; "
            "do not concatenate them"
        )


def prescribed_params(graph: FloatGraph, node: Node) -> ActivationParams | None:
    """The parameters that an INT8 node's output must have; None where calibration decides.

    A DequantizeLinear at the graph's input says what its 8-bit pixels stand for.
    """
    if node.op == "DequantizeLinear":
        scale, zero_point = (graph.constants[name] for name in node.inputs[1:3])
        return ActivationParams(float(scale.reshape(())), int(zero_point.reshape(())))
    return OPERATORS[node.op].fixed_output


def _constant_operands(graph: FloatGraph, integer: Sequence[Node]) -> dict[str, ActivationParams]:
    params: dict[str, ActivationParams] = {}
    for node in integer:
        for name in OPERATORS[node.op].data_inputs(node):
            if name in graph.constants:
                values = graph.constants[name]
                params[name] = activation_params(float(values.min()), float(values.max()))
    return params


def _layer_weights(
    graph: FloatGraph, node: Node, source: ActivationParams, target: ActivationParams
) -> dict[str, QuantizedWeight]:
    operator = OPERATORS[node.op]
    name = operator.weight_input(node)
    weights = graph.constants[name]
    bias_name = operator.bias_input(node)
    bias = graph.constants[bias_name] if bias_name else None
    scales = weight_scales(
        weights,
        bias=bias,
        input_scale=source.scale,
        smallest=_LEAST_MULTIPLIER * target.scale / source.scale,
    )
    if float(scales.max()) * source.scale / target.scale > _GREATEST_MULTIPLIER:
        raise UnsupportedInputError(
            f"layer '{node.name}' ({node.op}) has weights up to {np.abs(weights).max():g} but "
            f"outputs within {255 * target.scale:g}; no integer arithmetic holds both"
        )
    found = {name: quantize_weight(weights, scales)}
    if bias is not None:
        found[bias_name] = quantize_bias(bias, input_scale=source.scale, weight_scale=scales)
    return found
