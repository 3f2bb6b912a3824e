"""A quantized graph with another range of an activation, its integers adapted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from quantize.calibration import TensorRange
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision, QuantizedGraph, QuantizedWeight
from quantize.uniform import activation_params, quantize_bias

__all__ = ["with_range"]


def with_range(
    quantized: QuantizedGraph, names: Sequence[str], found: TensorRange
) -> QuantizedGraph:
    """Give activations of one scale another range; integer weights stay as they are.

    Args:
        quantized: the graph.
        names: all activations of a same-scale group.
        found: their range.

    Returns:
        The graph with new parameters, and biases in the steps that follow from them.
    """
    params = activation_params(found.low, found.high)
    weights: dict[str, QuantizedWeight] = dict(quantized.weights)
    for node in quantized.graph.nodes:
        operator = OPERATORS.get(node.op)
        bias = operator.bias_input(node) if operator else ""
        if not bias or node.inputs[0] not in names or bias not in weights:
            continue
        if operator is None or quantized.precision(node) is not Precision.INT8:
            continue
        old = weights[bias]
        real = old.values.astype(np.float64) * old.scale.astype(np.float64)
        weights[bias] = quantize_bias(
            real.astype(np.float32),
            input_scale=params.scale,
            weight_scale=weights[operator.weight_input(node)].scale,
        )
    activations = {**quantized.activations, **dict.fromkeys(names, params)}
    return replace(quantized, activations=activations, weights=weights)
