"""Learned rounding: up or down, whichever keeps a layer's outputs.

AdaRound (Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization"): each
weight becomes floor(w / s) + h with h a rectified sigmoid of a variable of its own, and the squared
error of the layer's outputs is minimised over all of them, with a regulariser that drives every h
to 0 or 1 in the end (equations 22 to 25, with the asymmetric reconstruction of section 3.4). The
error is quadratic in the weights, so the covariance of the inputs is all that a step needs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantize.quantized_graph import QuantizedGraph
from quantize.repair.error_compensation import rounded_layer
from quantize.repair.layer_walk import LayerData, walk_layers
from quantize.run_examples import Examples, Progress

__all__ = ["learn_rounding", "round_by_learning"]

_STEPS = 400
_MOST_PRODUCTS = 4e11
_FEWEST_STEPS = 60
_RATE = 0.02
_WARM_UP = 0.2
_BETAS = (20.0, 2.0)
_STRENGTH = 0.01
_STRETCH = (-0.1, 1.1)
_WEIGHT_STEPS = 127
_LEAST = 1e-12

Array = NDArray[np.float64]


def learn_rounding(
    quantized: QuantizedGraph, examples: Examples, *, progress: Progress | None = None
) -> QuantizedGraph:
    """Learn the rounding of every INT8 layer, in order.

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
    return rounded_layer(quantized, data, round_by_learning)


def round_by_learning(
    weights: Array, covariance: Array, scales: NDArray[np.float32]
) -> NDArray[np.int8]:
    """Round weights up or down for the least error of weights @ rows.

    Args:
        weights: (groups, outputs, columns).
        covariance: (groups, columns, columns) of the rows.
        scales: (groups, outputs), > 0.

    Returns:
        int8 steps of `scales`, in the shape of `weights`; never worse than the nearest ones.
    """
    steps = weights / scales.astype(np.float64)[:, :, None]
    floor = np.floor(steps)
    learned = floor + (_learn(steps, floor, covariance) >= 0.5)  # noqa: PLR2004 - halfway
    nearest = np.clip(np.rint(steps), -_WEIGHT_STEPS, _WEIGHT_STEPS)
    learned = np.clip(learned, -_WEIGHT_STEPS, _WEIGHT_STEPS)
    is_better = _errors(learned - steps, covariance) < _errors(nearest - steps, covariance)
    found: NDArray[np.int8] = np.where(is_better[:, :, None], learned, nearest).astype(np.int8)
    return found


def _errors(differences: Array, covariance: Array) -> Array:
    """(groups, outputs): power of each output's error, in steps of its scale."""
    found: Array = ((differences @ covariance) * differences).sum(axis=2)
    return found


def _learn(steps: Array, floor: Array, covariance: Array) -> Array:
    """The share by which each weight is rounded up, near 0 or 1."""
    low, high = _STRETCH
    matrix = covariance / max(float(np.einsum("gkk->gk", covariance).mean()), _LEAST)
    start = np.clip((steps - floor - low) / (high - low), 0.01, 0.99)
    values = np.log(start / (1.0 - start))
    first, second = np.zeros_like(values), np.zeros_like(values)
    count = _count(steps)
    for step in range(1, count + 1):
        soft = 1.0 / (1.0 + np.exp(-values))
        share = np.clip(soft * (high - low) + low, 0.0, 1.0)
        slope = 2.0 * (floor + share - steps) @ matrix
        progress = step / count
        if progress > _WARM_UP:
            beta = _BETAS[0] + (_BETAS[1] - _BETAS[0]) * (progress - _WARM_UP) / (1.0 - _WARM_UP)
            off = 2.0 * share - 1.0
            slope -= _STRENGTH * 2.0 * beta * np.sign(off) * np.abs(off) ** (beta - 1.0)
        inside = (share > 0.0) & (share < 1.0)
        slope *= np.where(inside, soft * (1.0 - soft) * (high - low), 0.0)
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * np.square(slope)
        size = np.sqrt(second / (1.0 - 0.999**step)) + 1e-8
        values -= _RATE * first / (1.0 - 0.9**step) / size
    learned: Array = np.clip((high - low) / (1.0 + np.exp(-values)) + low, 0.0, 1.0)
    return learned


def _count(steps: Array) -> int:
    """As many steps as the work allows."""
    groups, outputs, columns = steps.shape
    products = float(groups) * outputs * columns * columns
    return int(np.clip(_MOST_PRODUCTS / products, _FEWEST_STEPS, _STEPS))
