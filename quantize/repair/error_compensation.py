"""Weights rounded one by one, each making up for those before it.

Weights are rounded column by column, and what rounding one does to the layer's outputs, on the
inputs that the quantized network really has, is taken over by the columns still to come (Frantar
et al. 2022, "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers",
algorithm 1, after Frantar and Alistarh 2022, "Optimal Brain Compression"). The bias takes what is
left on average, that of the layers before included (Nagel et al. 2019, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision, QuantizedGraph, QuantizedWeight
from quantize.repair.layer_rows import RowSampler, grouped_weights, is_layer
from quantize.repair.layer_walk import LayerData, walk_layers
from quantize.run_examples import Examples, Progress
from quantize.uniform import quantize_bias

__all__ = ["WeightRounding", "compensate_errors", "round_columns", "rounded_layer"]

_DAMPING = 0.01
_BLOCK = 128
_WEIGHT_STEPS = 127

Array = NDArray[np.float64]
WeightRounding = Callable[[Array, Array, NDArray[np.float32]], NDArray[np.int8]]


def compensate_errors(
    quantized: QuantizedGraph, examples: Examples, *, progress: Progress | None = None
) -> QuantizedGraph:
    """Round every INT8 layer, in order.

    Args:
        quantized: where to start; ranges stay.
        examples: real inputs.
        progress: told after each layer.

    Returns:
        The same graph with other integer weights and biases.

    Raises:
        EngineError: onnxruntime failed.
    """
    return walk_layers(quantized, examples, _visit, progress=progress)


def _visit(quantized: QuantizedGraph, data: LayerData) -> QuantizedGraph:
    return rounded_layer(quantized, data, round_columns)


def rounded_layer(
    quantized: QuantizedGraph, data: LayerData, round_weights: WeightRounding
) -> QuantizedGraph:
    """Round one layer and correct its bias; with a rounding, a visitor for `walk_layers`.

    Args:
        quantized: as the walk left it.
        data: of the layer.
        round_weights: takes weights (groups, outputs, columns), the covariance (groups, columns,
            columns) of what they multiply and scales (groups, outputs), and gives int8 steps.

    Returns:
        The graph with other integer weights and biases of an INT8 Conv or Gemm.
    """
    node = data.node
    if not is_layer(node) or quantized.precision(node) is not Precision.INT8:
        return quantized
    source, weight_name = node.inputs[:2]
    sampler = RowSampler(quantized.graph, node, len(data.output))
    moments = _moments(sampler, data.inputs[source], data.quantized_inputs[source])
    weights = quantized.graph.constants[weight_name]
    wide = grouped_weights(weights.astype(np.float64), sampler.groups)
    scales = quantized.weights[weight_name].scale
    integers = round_weights(wide, moments.covariance, scales.reshape(sampler.groups, -1))
    changed = {weight_name: QuantizedWeight(integers.reshape(weights.shape), scales)}
    bias_name = OPERATORS[node.op].bias_input(node)
    if bias_name:
        real = integers * scales.reshape(*integers.shape[:2], 1).astype(np.float64)
        shift = (wide @ moments.float_mean - real @ moments.quantized_mean).reshape(-1)
        bias = quantized.graph.constants[bias_name].astype(np.float64) + shift
        changed[bias_name] = quantize_bias(
            bias.astype(np.float32),
            input_scale=quantized.activations[source].scale,
            weight_scale=scales,
        )
    return replace(quantized, weights={**quantized.weights, **changed})


@dataclass(frozen=True, slots=True)
class _Moments:
    """Of the rows of one layer, for each group.

    Attributes:
        covariance: (groups, columns, columns) of the rows as the quantized network has them.
        float_mean, quantized_mean: (groups, columns, 1).
    """

    covariance: Array
    float_mean: Array
    quantized_mean: Array


def _moments(sampler: RowSampler, inputs: Any, quantized_inputs: Any) -> _Moments:
    exact, seen = sampler.rows(inputs), sampler.rows(quantized_inputs)
    exact_mean = exact.mean(axis=1, keepdims=True, dtype=np.float64)
    seen_mean = seen.mean(axis=1, keepdims=True, dtype=np.float64)
    centred = seen - seen_mean.astype(np.float32)
    return _Moments(
        covariance=(centred.transpose(0, 2, 1) @ centred).astype(np.float64) / seen.shape[1],
        float_mean=exact_mean.transpose(0, 2, 1),
        quantized_mean=seen_mean.transpose(0, 2, 1),
    )


def round_columns(
    weights: Array, covariance: Array, scales: NDArray[np.float32]
) -> NDArray[np.int8]:
    """Round weights so that the error of weights @ rows stays small.

    Args:
        weights: (groups, outputs, columns).
        covariance: (groups, columns, columns) of the rows.
        scales: (groups, outputs), > 0.

    Returns:
        int8 steps of `scales`, in the shape of `weights`.
    """
    column_scale = scales.astype(np.float64)
    diagonal = np.einsum("gkk->gk", covariance)
    mean = np.maximum(diagonal.mean(axis=1, keepdims=True), 1e-30)
    damped = covariance.copy()
    np.einsum("gkk->gk", damped)[...] += _DAMPING * mean
    order = np.argsort(-diagonal.mean(axis=0), kind="stable")
    damped = damped[:, order][:, :, order]
    inverse = np.linalg.inv(damped)
    upper = np.linalg.cholesky(inverse).transpose(0, 2, 1)
    left = weights[:, :, order].copy()
    steps = np.zeros(weights.shape)
    for start in range(0, weights.shape[2], _BLOCK):
        end = min(start + _BLOCK, weights.shape[2])
        errors = np.zeros((*weights.shape[:2], end - start))
        for at in range(start, end):
            column = left[:, :, at]
            rounded = np.clip(np.rint(column / column_scale), -_WEIGHT_STEPS, _WEIGHT_STEPS)
            steps[:, :, at] = rounded
            error = (column - rounded * column_scale) / upper[:, at, at, None]
            left[:, :, at:end] -= error[:, :, None] * upper[:, None, at, at:end]
            errors[:, :, at - start] = error
        left[:, :, end:] -= errors @ upper[:, start:end, end:]
    found = np.empty(weights.shape, dtype=np.int8)
    found[:, :, order] = steps.astype(np.int8)
    return found
