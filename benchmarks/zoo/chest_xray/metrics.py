"""Figures of merit of the chest X-ray recipe.

The statistics are the toolchain's own; here is what only this recipe has: its operating point on
"any pneumonia", and its decision rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.bootstrap import bootstrap_intervals
from quantize.evaluation.calibration_error import calibration_error
from quantize.evaluation.ranking import auroc
from quantize.evaluation.refit import fit_temperature
from quantize.evaluation.scores import log_loss, softmax

if TYPE_CHECKING:
    from collections.abc import Mapping

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
