"""Raw outputs of many examples -> scores, decisions and their log loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = [
    "DEFAULT_THRESHOLD",
    "decide",
    "log_loss",
    "log_loss_of_scores",
    "scores_of",
    "sigmoid",
    "softmax",
]

DEFAULT_THRESHOLD = 0.5
"""What the runtime decides a multilabel output by where its manifest gives no threshold."""

_LEAST_PROBABILITY = 1e-12

Floats = NDArray[np.float64]


def softmax(values: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities, float64 (n, labels) in 0..1, of values (n, labels) over a temperature > 0."""
    scaled = np.asarray(values, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def sigmoid(values: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities, float64 in 0..1, of values of any shape over a temperature > 0."""
    scaled = np.asarray(values, np.float64) / temperature
    # exp of a non-positive number only: it cannot overflow.
    powers = np.exp(-np.abs(scaled))
    return np.where(scaled >= 0, 1.0 / (1.0 + powers), powers / (1.0 + powers))


def scores_of(values: Floats, output: Output, *, temperature: float | None = None) -> Floats:
    """Scores as the runtime reads them: activation(values / temperature).

    Args:
        values: (n, labels), as the model gives them.
        output: how they are read.
        temperature: in place of the output's own.

    Returns:
        float64 (n, labels).
    """
    chosen = output.temperature if temperature is None else temperature
    if output.activation == "softmax":
        return softmax(values, chosen)
    if output.activation == "sigmoid":
        return sigmoid(values, chosen)
    return np.asarray(values, np.float64) / chosen


def decide(scores: Floats, output: Output, thresholds: Floats | None = None) -> NDArray[np.int64]:
    """Decisions as the runtime makes them.

    Args:
        scores: (n, labels), from `scores_of`.
        output: how they are read.
        thresholds: (labels,), in place of the output's own; multilabel only.

    Returns:
        Classification: int64 (n,), the position of the highest score, the first of equals.
        Multilabel: int64 (n, labels), 1 where the score reaches its threshold.
    """
    if output.kind == "classification":
        return np.asarray(scores.argmax(axis=1), dtype=np.int64)
    chosen = thresholds if thresholds is not None else np.asarray(output.thresholds, np.float64)
    if thresholds is None and output.thresholds is None:
        chosen = np.full(scores.shape[1], DEFAULT_THRESHOLD)
    return (scores >= chosen).astype(np.int64)


def log_loss(values: Floats, truth: NDArray[np.int64], temperature: float = 1.0) -> float:
    """Mean negative log-likelihood in nats, >= 0, of labels (n,) under values (n, labels)."""
    return log_loss_of_scores(softmax(values, temperature), truth)


def log_loss_of_scores(probabilities: Floats, truth: NDArray[np.int64]) -> float:
    """Mean negative log-likelihood in nats, >= 0.

    Args:
        probabilities: (n, labels) whose rows sum to 1, or (n,) of the positive.
        truth: int64 (n,), the position of the true label; 0 or 1 for one probability each.
    """
    if probabilities.ndim == 1:
        chosen = np.where(truth > 0, probabilities, 1.0 - probabilities)
    else:
        chosen = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(chosen, _LEAST_PROBABILITY)).mean())
