"""The truth of one label at a time: who is positive, of those for whom it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.results import OutputKind

__all__ = ["LabelView", "label_views"]


@dataclass(frozen=True, slots=True)
class LabelView:
    """One label against the rest.

    Attributes:
        label: its name.
        column: its position among the labels.
        known: int64 (m,), positions of the examples whose truth is known.
        positive: bool (m,).
    """

    label: str
    column: int
    known: NDArray[np.int64]
    positive: NDArray[np.bool_]

    @property
    def has_both(self) -> bool:
        """Whether there are positives and negatives."""
        return bool(self.positive.any() and not self.positive.all())

    @property
    def fewest(self) -> int:
        """Examples of the rarer class."""
        positives = int(self.positive.sum())
        return min(positives, len(self.positive) - positives)


def label_views(
    truth: NDArray[np.float64], labels: tuple[str, ...], kind: OutputKind
) -> tuple[LabelView, ...]:
    """A view for each label; none for regression.

    Args:
        truth: as `LabelledData.truth`.
        labels: of the output.
        kind: of the output.
    """
    if kind == "regression":
        return ()
    views = []
    for at, label in enumerate(labels):
        if kind == "classification":
            known = np.arange(len(truth))
            positive = truth == at
        else:
            known = np.flatnonzero(np.isfinite(truth[:, at]))
            positive = truth[known, at] == 1
        views.append(LabelView(label, at, known, positive))
    return tuple(views)
