"""ROC curves and what is read off them, for one sample or for many resamples at once.

Only the order of scores counts, so they are sorted once. A resample is a count for each example
(how often it was drawn), which makes every figure here a sum over sorted blocks of equal scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["RankedScores", "auroc"]

Floats = NDArray[np.float64]
_SLACK = 1e-9  # shares are compared after divisions


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, 0 to 1; ties count half (Hanley and McNeil 1982).

    Args:
        scores: float64 (n,), higher for the positive.
        positive: bool (n,); NaN comes back when it holds one class only.
    """
    if len(scores) == 0:
        return float("nan")
    return float(RankedScores(scores, positive).auroc(np.ones((1, len(scores))))[0])


class RankedScores:
    """Scores of one label in falling order, in blocks of equal ones.

    Args:
        scores: float64 (n,), finite, n > 0.
        positive: bool (n,).
    """

    def __init__(self, scores: Floats, positive: NDArray[np.bool_]) -> None:
        self._order = np.argsort(-scores, kind="stable")
        falling = scores[self._order]
        is_first = np.ones(len(falling), np.bool_)
        is_first[1:] = falling[1:] != falling[:-1]
        self._starts = np.flatnonzero(is_first)
        self._positive = positive[self._order]
        self.thresholds: Floats = falling[self._starts].astype(np.float64)

    def auroc(self, counts: Floats) -> Floats:
        """Area under the curve of each resample.

        Args:
            counts: (resamples, n), how often each example was drawn.

        Returns:
            float64 (resamples,) in 0..1; NaN where a class was not drawn.
        """
        positives, negatives = self._blocks(counts)
        above = np.cumsum(negatives, axis=1)
        total = above[:, -1]
        won = (positives * (total[:, None] - above + negatives / 2.0)).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(won / (positives.sum(axis=1) * total))

    def sensitivity_at(self, counts: Floats, specificity: float) -> Floats:
        """Greatest sensitivity of each resample at no less than a specificity.

        The threshold is one of the scores, chosen anew in each resample, so that the interval
        holds what choosing it costs.

        Args:
            counts: (resamples, n).
            specificity: 0 to 1.

        Returns:
            float64 (resamples,) in 0..1; NaN where a class was not drawn.
        """
        sensitivity, false_share = self._shares(counts)
        reached = (false_share <= 1.0 - specificity + _SLACK).sum(axis=1)
        padded = np.concatenate([np.zeros((len(counts), 1)), sensitivity], axis=1)
        found = padded[np.arange(len(counts)), reached]
        known = np.isfinite(sensitivity[:, -1]) & np.isfinite(false_share[:, -1])
        return np.where(known, found, np.nan)

    def curve(self) -> tuple[Floats, Floats, Floats]:
        """The ROC curve of the sample itself.

        Returns:
            False positive share, sensitivity and threshold, each float64 (distinct scores + 1,),
            from (0, 0, inf) to (1, 1, lowest score). NaN shares where a class is absent.
        """
        sensitivity, false_share = self._shares(np.ones((1, len(self._order))))
        return (
            np.concatenate([[0.0], false_share[0]]),
            np.concatenate([[0.0], sensitivity[0]]),
            np.concatenate([[np.inf], self.thresholds]),
        )

    def _shares(self, counts: Floats) -> tuple[Floats, Floats]:
        positives, negatives = (np.cumsum(each, axis=1) for each in self._blocks(counts))
        with np.errstate(invalid="ignore", divide="ignore"):
            return positives / positives[:, -1:], negatives / negatives[:, -1:]

    def _blocks(self, counts: Floats) -> tuple[Floats, Floats]:
        """Drawn positives and negatives of each block of equal scores, (resamples, blocks)."""
        drawn = np.asarray(counts, np.float64)[:, self._order]
        positives = np.add.reduceat(drawn * self._positive, self._starts, axis=1)
        negatives = np.add.reduceat(drawn * ~self._positive, self._starts, axis=1)
        return positives, negatives
