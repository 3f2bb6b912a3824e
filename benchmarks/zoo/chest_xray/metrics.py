"""Figures of merit, calibration and bootstrap intervals, in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "auroc",
    "bootstrap_intervals",
    "calibration_error",
    "decide",
    "detection",
    "fit_temperature",
    "log_loss",
    "softmax",
    "summarise",
    "threshold_at_sensitivity",
    "with_intervals",
]

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Return probabilities, float64 [N, C] in 0 to 1, of logits [N, C] over a temperature > 0."""
    scaled = logits / temperature
    exponent = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True), dtype=np.float64)


def log_loss(logits: Floats, labels: Labels, temperature: float = 1.0) -> float:
    """Return the mean negative log-likelihood in nats, >= 0, of labels [N] under logits [N, C]."""
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve, 0 to 1; ties count half.

    Args:
        scores: float64 [N], higher for the positive.
        positive: bool [N]; NaN comes back when it holds one class only.
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
    excess = ranks[positive].sum() - positives * (positives + 1) / 2.0
    return float(excess / (positives * negatives))


def calibration_error(probabilities: Floats, labels: Labels, bins: int = 15) -> float:
    """Return the expected calibration error of the top class, 0 to 1, over bins of equal width."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = [
        abs(float(confidence[index == b].mean()) - float(correct[index == b].mean()))
        * float((index == b).mean())
        for b in np.unique(index)
    ]
    return float(sum(gaps))


def fit_temperature(logits: Floats, labels: Labels) -> float:
    """Return the temperature, 0.2 to 5, of the least log loss; golden-section search."""
    low, high = np.log(0.2), np.log(5.0)
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if log_loss(logits, labels, np.exp(left)) < log_loss(logits, labels, np.exp(right)):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def threshold_at_sensitivity(
    scores: Floats, positive: NDArray[np.bool_], sensitivity: float
) -> float:
    """Return the greatest threshold that still finds a share of the positives.

    Args:
        scores: float64 [N]; a film is called positive at or above the threshold.
        positive: bool [N], at least one true.
        sensitivity: Share of the positives to find, above 0 to 1.

    Returns:
        A threshold half-way between the lowest score called positive and the next one below.
    """
    descending = np.sort(scores[positive])[::-1]
    last = descending[int(np.ceil(sensitivity * len(descending) - 1e-9)) - 1]
    below = scores[scores < last]
    return float((last + below.max()) / 2.0) if below.size else float(last)


def _sensitivity_specificity(
    called: NDArray[np.bool_], positive: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return both for calls [N]; NaN where a class is absent."""
    with np.errstate(invalid="ignore"):
        sensitivity = np.divide((called & positive).sum(), positive.sum())
        specificity = np.divide((~called & ~positive).sum(), (~positive).sum())
    return float(sensitivity), float(specificity)


def decide(probabilities: Floats, threshold: float) -> Labels:
    """Apply the decision rule.

    Pneumonia where the bacterial and the viral probability together reach the threshold, then the
    likelier of the two; else normal.

    Args:
        probabilities: float64 [N, 3], rows that sum to 1.
        threshold: 0 to 1.

    Returns:
        Labels, int64 [N], 0 to 2.
    """
    subtype = 1 + probabilities[:, 1:].argmax(axis=1)
    return np.where(1.0 - probabilities[:, 0] >= threshold, subtype, 0).astype(np.int64)


def summarise(
    logits: Floats, labels: Labels, temperature: float, threshold: float
) -> dict[str, float]:
    """Return all figures of merit of one set of films.

    Args:
        logits: float64 [N, 3]; normal, bacterial, viral.
        labels: int64 [N], 0 to 2.
        temperature: Temperature for the probabilities, > 0.
        threshold: Operating point on the probability of pneumonia, 0 to 1.

    Returns:
        Figures by name, each 0 to 1 but for ``log_loss``, which is >= 0.
    """
    probabilities = softmax(logits, temperature)
    score, sick = 1.0 - probabilities[:, 0], labels > 0
    calls = probabilities.argmax(axis=1)
    ruled = decide(probabilities, threshold)
    argmax = _sensitivity_specificity(calls > 0, sick)
    operating = _sensitivity_specificity(score >= threshold, sick)
    subtype = probabilities[sick, 1] / (probabilities[sick, 1] + probabilities[sick, 2])
    return {
        "auroc_pneumonia": auroc(score, sick),
        "auroc_bacterial_vs_viral": auroc(subtype, labels[sick] == 1),
        "accuracy_3_class": float((calls == labels).mean()),
        "accuracy_3_class_operating_point": float((ruled == labels).mean()),
        "sensitivity_argmax": argmax[0],
        "specificity_argmax": argmax[1],
        "sensitivity_operating_point": operating[0],
        "specificity_operating_point": operating[1],
        "ece": calibration_error(probabilities, labels),
        "log_loss": log_loss(logits, labels, temperature),
    }


def detection(scores: Floats, sick: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """Return AUROC, sensitivity and specificity, 0 to 1, of scores [N] for sick or not, [N]."""
    sensitivity, specificity = _sensitivity_specificity(scores >= threshold, sick)
    return {
        "auroc_pneumonia": auroc(scores, sick),
        "sensitivity_operating_point": sensitivity,
        "specificity_operating_point": specificity,
    }


def with_intervals(
    values: Mapping[str, float], bounds: Mapping[str, tuple[float, float]]
) -> dict[str, dict[str, float]]:
    """Return every figure with its bounds, rounded to four places."""
    return {
        name: {
            "value": round(value, 4),
            "low": round(bounds[name][0], 4),
            "high": round(bounds[name][1], 4),
        }
        for name, value in values.items()
    }


def bootstrap_intervals(
    figures: Callable[[NDArray[np.int64]], Mapping[str, float]],
    groups: NDArray[np.str_],
    repeats: int,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Return 95 % percentile intervals by resampling whole groups with replacement.

    Args:
        figures: Gives the figures of the films at the indices, int64 [M].
        groups: Group (patient) of every film, [N].
        repeats: Number of resamplings.
        seed: Seed of the resampling.

    Returns:
        Lower and upper bound of every figure.
    """
    rng = np.random.default_rng(seed)
    _, inverse = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(inverse == group) for group in range(int(inverse.max()) + 1)]
    drawn: dict[str, list[float]] = {}
    for _ in range(repeats):
        chosen = rng.integers(len(members), size=len(members))
        for name, value in figures(np.concatenate([members[g] for g in chosen])).items():
            drawn.setdefault(name, []).append(value)
    bounds = {name: np.nanpercentile(values, (2.5, 97.5)) for name, values in drawn.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}
