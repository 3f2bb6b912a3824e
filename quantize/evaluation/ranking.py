"""ROC curves and what is read off them, for one sample or for many resamples at once.

Only the order of scores counts, so they are sorted once. A resample is a count for each example
(how often it was drawn); negatives counted from the lowest score up then give every figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counts", "RankedScores", "auroc"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]
"""(examples, resamples): how often each example was drawn."""

_SLACK = 1e-9  # shares are compared after multiplications


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, 0 to 1; ties count half (Hanley and McNeil 1982).

    Args:
        scores: float64 (n,), higher for the positive.
        positive: bool (n,); NaN comes back when it holds one class only.
    """
    once = np.ones((len(scores), 1), np.int32)
    area, _ = RankedScores(scores, positive).measure(once, ())
    return float(area[0])


class RankedScores:
    """Scores of one label, positives and negatives each in rising order.

    Args:
        scores: float64 (n,), finite.
        positive: bool (n,).
    """

    def __init__(self, scores: Floats, positive: NDArray[np.bool_]) -> None:
        self._positives, self._high = _rising(scores, np.flatnonzero(positive))
        self._negatives, self._low = _rising(scores, np.flatnonzero(~positive))
        # Negatives below each positive, and those not above it: between them are the ties.
        self._below = np.searchsorted(self._low, self._high, side="left")
        self._not_above = np.searchsorted(self._low, self._high, side="right")

    def measure(self, counts: Counts, specificities: Sequence[float]) -> tuple[Floats, Floats]:
        """Area under the curve, and sensitivities, of each resample.

        A sensitivity is the greatest at no less than a specificity. Its threshold is chosen anew
        in each resample, so that the interval holds what choosing it costs.

        Args:
            counts: int32 (n, resamples).
            specificities: 0 to 1 each.

        Returns:
            float64 (resamples,) areas and float64 (specificities, resamples) sensitivities, 0 to
            1; NaN where a class was not drawn.
        """
        drawn = counts[self._positives]
        negatives, positives = _cumulated(counts[self._negatives]), _cumulated(drawn)
        all_negatives = negatives[-1].astype(np.float64)
        all_positives = positives[-1].astype(np.float64)
        twice = negatives[self._below] + negatives[self._not_above]
        won = np.einsum("ij,ij->j", drawn, twice, dtype=np.float64) / 2.0
        with np.errstate(invalid="ignore", divide="ignore"):
            area = won / (all_positives * all_negatives)
            found = [
                (all_positives - self._missed(negatives, positives, each * all_negatives))
                / np.where(all_negatives > 0, all_positives, np.nan)
                for each in specificities
            ]
        return area, np.array(found).reshape(len(found), counts.shape[1])

    def _missed(self, negatives: Counts, positives: Counts, wanted: Floats) -> Floats:
        """Positives, of each resample, that do not exceed the last negative to be cleared."""
        columns = np.arange(negatives.shape[1])
        cleared = _first_reaching(negatives, wanted - _SLACK)
        # A positive that ties with a negative to be cleared stays below the threshold with it.
        at = np.maximum(cleared - 1, 0)
        limits = self._low[at] if self._low.size else np.zeros(len(columns))
        missed = np.searchsorted(self._high, limits, side="right")
        return np.where(cleared > 0, positives[missed, columns], 0).astype(np.float64)

    def curve(self) -> tuple[Floats, Floats, Floats]:
        """The ROC curve of the sample itself, both classes present.

        Returns:
            False positive share, sensitivity and threshold, each float64 (distinct scores + 1,),
            from (0, 0, inf) to (1, 1, lowest score).
        """
        thresholds = np.unique(np.concatenate([self._low, self._high]))[::-1]
        return (
            np.concatenate([[0.0], _share_from(self._low, thresholds)]),
            np.concatenate([[0.0], _share_from(self._high, thresholds)]),
            np.concatenate([[np.inf], thresholds]),
        )


def _rising(scores: Floats, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    order = positions[np.argsort(scores[positions], kind="stable")]
    return order, scores[order]


def _cumulated(counts: Counts) -> Counts:
    """Sums of the first k rows, for k from 0 to all of them."""
    total = np.zeros((len(counts) + 1, counts.shape[1]), np.int32)
    np.cumsum(counts, axis=0, out=total[1:])
    return total


def _first_reaching(cumulated: Counts, wanted: Floats) -> NDArray[np.int64]:
    """In each column, the first row that is no less than wanted: bisection, all columns at once."""
    columns = np.arange(cumulated.shape[1])
    low = np.zeros(len(columns), np.int64)
    high = np.full(len(columns), len(cumulated) - 1, np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        reached = cumulated[middle, columns] >= wanted
        high = np.where(reached, middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    return low


def _share_from(rising: Floats, thresholds: Floats) -> Floats:
    below = np.searchsorted(rising, thresholds, side="left")
    return np.asarray((len(rising) - below) / len(rising))
