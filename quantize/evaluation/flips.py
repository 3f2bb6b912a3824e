"""Decisions that change from one model to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.evaluation import Figure, FlippedExample, Flips
from quantize.evaluation.label_views import LabelView
from quantize.evaluation.proportion import mcnemar_p_value, wilson_interval

__all__ = ["class_flips", "flipped_examples", "label_flips"]

Decisions = NDArray[np.int64]


def class_flips(before: Decisions, after: Decisions, truth: Decisions) -> Flips:
    """Count the changed answers of a classification.

    Args:
        before: the reference's label of each example, (n,).
        after: the other model's.
        truth: the true label.
    """
    return _flips("", before == truth, after == truth, before != after)


def label_flips(
    before: Decisions, after: Decisions, views: Sequence[LabelView]
) -> tuple[Flips, ...]:
    """Count the changed decisions of each label, over the examples where it is known.

    Args:
        before: the reference's decisions, 0 or 1, (n, labels).
        after: the other model's.
        views: the truth.
    """
    found = []
    for view in views:
        if view.known.size == 0:
            continue
        old, new = (each[view.known, view.column] == 1 for each in (before, after))
        found.append(
            _flips(
                view.label,
                old == view.positive,
                new == view.positive,
                old != new,
                on=int((~old & new).sum()),
                off=int((old & ~new).sum()),
            )
        )
    return tuple(found)


def _flips(
    label: str,
    was_right: NDArray[np.bool_],
    is_right: NDArray[np.bool_],
    changed: NDArray[np.bool_],
    *,
    on: int = 0,
    off: int = 0,
) -> Flips:
    total, count = len(changed), int(changed.sum())
    lost, won = int((was_right & ~is_right).sum()), int((~was_right & is_right).sum())
    return Flips(
        label=label,
        examples=total,
        changed=count,
        lost=lost,
        won=won,
        switched_on=on,
        switched_off=off,
        p_value=mcnemar_p_value(lost, won),
        share=Figure(count / total, *wilson_interval(count, total), interval="wilson"),
    )


def flipped_examples(
    before: Decisions,
    after: Decisions,
    truth: NDArray[np.float64],
    labels: Sequence[str],
    names: Sequence[tuple[int, str]],
) -> tuple[FlippedExample, ...]:
    """Every example that two models decide differently, in order.

    Args:
        before: (n,) or (n, labels).
        after: the same shape.
        truth: as `LabelledData.truth`.
        labels: of the output.
        names: index and name to call each example by; "" for one that must not be named.
    """
    if before.ndim == 1:
        return tuple(
            FlippedExample(
                index=names[at][0],
                name=names[at][1],
                label="",
                truth=labels[int(truth[at])],
                before=labels[before[at]],
                after=labels[after[at]],
            )
            for at in np.flatnonzero(before != after).tolist()
        )
    words = ("no", "yes")
    return tuple(
        FlippedExample(
            index=names[at][0],
            name=names[at][1],
            label=labels[column],
            truth=words[int(truth[at, column])] if np.isfinite(truth[at, column]) else "not known",
            before=words[before[at, column]],
            after=words[after[at, column]],
        )
        for at, column in np.argwhere(before != after).tolist()
    )
