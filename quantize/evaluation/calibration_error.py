"""Whether probabilities mean what they say: reliability, calibration error, Brier score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BINS",
    "ReliabilityBin",
    "adaptive_calibration_error",
    "brier_score",
    "calibration_error",
    "equal_width_error",
    "reliability",
]

BINS = 15
"""As Guo et al. 2017."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Examples of like confidence.

    Attributes:
        low: lower end of the bin, 0..1.
        high: upper end.
        confidence: mean confidence, 0..1.
        share: share of them that came true, 0..1.
        examples: how many.
    """

    low: float
    high: float
    confidence: float
    share: float
    examples: int


def reliability(
    confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """The reliability diagram over bins of equal width; empty bins are left out.

    Args:
        confidence: float64 (n,) in 0..1.
        correct: bool (n,), whether it came true.
        bins: how many.
    """
    at = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    return tuple(
        ReliabilityBin(
            low=int(each) / bins,
            high=(int(each) + 1) / bins,
            confidence=float(confidence[at == each].mean()),
            share=float(correct[at == each].mean()),
            examples=int((at == each).sum()),
        )
        for each in np.unique(at)
    )


def equal_width_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1, over bins of equal width (Guo et al. 2017, eq. 3)."""
    return sum(
        abs(each.confidence - each.share) * each.examples / len(confidence)
        for each in reliability(confidence, correct, bins)
    )


def calibration_error(probabilities: Floats, truth: NDArray[np.int64], bins: int = BINS) -> float:
    """Expected calibration error of the top label, 0 to 1.

    Args:
        probabilities: (n, labels), rows that sum to 1.
        truth: int64 (n,), position of the true label.
        bins: how many.
    """
    correct = probabilities.argmax(axis=1) == truth
    return equal_width_error(probabilities.max(axis=1), correct, bins)


def adaptive_calibration_error(
    confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Calibration error, 0 to 1, over bins of equally many examples (Nixon et al. 2019, ACE).

    Equal widths put most of a sure model's answers into one bin and hide what happens there.

    Args:
        confidence: float64 (n,) in 0..1.
        correct: bool (n,).
        bins: how many; no more than there are examples.
    """
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [
        abs(float(confidence[part].mean()) - float(correct[part].mean())) * len(part)
        for part in parts
    ]
    return float(sum(gaps) / len(confidence))


def brier_score(probabilities: Floats, truth: NDArray[np.int64]) -> float:
    """Mean squared distance of probabilities from what came true (Brier 1950).

    Args:
        probabilities: (n, labels) whose rows sum to 1: the sum over labels, 0 to 2; or (n,) of
            the positive: 0 to 1.
        truth: int64 (n,), position of the true label; 0 or 1 for one probability each.
    """
    if probabilities.ndim == 1:
        return float(np.square(probabilities - truth).mean())
    wanted = np.eye(probabilities.shape[1])[truth]
    return float(np.square(probabilities - wanted).sum(axis=1).mean())
