"""Temperature and thresholds fitted anew on quantized outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.ranking import RankedScores
from quantize.evaluation.scores import log_loss, log_loss_of_scores, sigmoid

__all__ = [
    "fit_sigmoid_temperature",
    "fit_temperature",
    "specificity_at",
    "threshold_at_specificity",
    "youden_threshold",
]

Floats = NDArray[np.float64]

_LEAST, _GREATEST = 0.05, 20.0
_STEPS = 48
_STEP = 1e-6
"""How far above a highest score a threshold is put."""

_SAME = 1e-12


def fit_temperature(values: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature of the least log loss under softmax (Guo et al. 2017, section 4.2).

    Args:
        values: (n, labels), before activation.
        truth: int64 (n,), position of the true label.

    Returns:
        0.05 to 20.
    """
    return _least(lambda temperature: log_loss(values, truth, temperature))


def fit_sigmoid_temperature(values: Floats, truth: NDArray[np.int64]) -> float:
    """The one temperature of the least log loss over all labels of a multilabel output.

    Args:
        values: (n,) before activation, all labels in a row, unknown ones left out.
        truth: int64 (n,), 0 or 1.

    Returns:
        0.05 to 20.
    """
    return _least(lambda temperature: log_loss_of_scores(sigmoid(values, temperature), truth))


def _least(loss: Callable[[float], float]) -> float:
    """Golden-section search over the logarithm: the loss has one valley."""
    low, high = float(np.log(_LEAST)), float(np.log(_GREATEST))
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    for _ in range(_STEPS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(float(np.exp(left))) < loss(float(np.exp(right))):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def specificity_at(scores: Floats, positive: NDArray[np.bool_], threshold: float) -> float:
    """Share of the negatives, at least one, that stay below a threshold."""
    return float((scores[~positive] < threshold).mean())


def threshold_at_specificity(
    scores: Floats, positive: NDArray[np.bool_], specificity: float, *, near: float
) -> float:
    """The threshold whose specificity on a sample is nearest to the wanted one.

    A sample fixes a threshold only up to the gap between two scores, and not at all where the
    float model calls nobody positive. So of thresholds equally near the one is taken that moves
    least: what the sample does not ask for is not changed.

    Args:
        scores: float64 (n,).
        positive: bool (n,), at least one false.
        specificity: what the float model has at its operating point, 0 to 1.
        near: the threshold in force before.

    Returns:
        `near` itself where it is as good as any; else a place half-way between two scores, so
        that no example sits on the edge.
    """
    levels = np.unique(scores)
    edges = np.concatenate([[levels[0]], (levels[1:] + levels[:-1]) / 2.0, [levels[-1] + _STEP]])
    below = np.searchsorted(np.sort(scores[~positive]), edges, side="left")
    distance = np.abs(below / (~positive).sum() - specificity)
    if abs(specificity_at(scores, positive, near) - specificity) <= distance.min() + _SAME:
        return near
    best = edges[distance <= distance.min() + _SAME]
    return float(best[np.argmin(np.abs(best - near))])


def youden_threshold(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The threshold of the greatest sensitivity + specificity - 1 (Youden 1950).

    Args:
        scores: float64 (n,).
        positive: bool (n,), both classes present.

    Returns:
        Half-way between the lowest score called positive and the next below.
    """
    false_share, sensitivity, thresholds = RankedScores(scores, positive).curve()
    best = int(np.argmax(sensitivity - false_share))
    if best == 0:
        return float(thresholds[1] + _STEP)
    if best + 1 == len(thresholds):
        return float(thresholds[best])
    return float((thresholds[best] + thresholds[best + 1]) / 2.0)
