"""Which examples are fitted on, and which are reported."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["split_by_group", "stated_splits"]

Positions = NDArray[np.int64]

_FITTED = frozenset({"val", "valid", "validation", "dev", "tune", "calibration"})
_REPORTED = frozenset({"test", "testing", "holdout", "held-out"})


def stated_splits(splits: Sequence[str]) -> tuple[Positions, Positions]:
    """What a split column says.

    Returns:
        Positions to fit on (validation) and to report (test). Without a test split all that is
        not validation is reported; training examples are used for neither where there is one.
    """
    words = [each.strip().casefold() for each in splits]
    fitted = np.array([at for at, word in enumerate(words) if word in _FITTED], np.int64)
    reported = np.array([at for at, word in enumerate(words) if word in _REPORTED], np.int64)
    if reported.size == 0:
        reported = np.setdiff1d(np.arange(len(words)), fitted)
    return fitted, reported


def split_by_group(groups: Sequence[str], share: float) -> tuple[Positions, Positions]:
    """Part examples so that no group is on both sides; the same groups always part alike.

    Groups are taken in the order of a digest of their names until a share of the examples is
    reached, so that adding a patient moves few others.

    Args:
        groups: of each example.
        share: of the examples to fit on, 0 to 1.

    Returns:
        Positions to fit on and to report.
    """
    sizes: dict[str, int] = {}
    for each in groups:
        sizes[each] = sizes.get(each, 0) + 1
    wanted, taken, chosen = share * len(groups), 0, set()
    for each in sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if taken + sizes[each] / 2 > wanted:
            continue
        chosen.add(each)
        taken += sizes[each]
    is_fitted = np.array([each in chosen for each in groups], dtype=np.bool_)
    return np.flatnonzero(is_fitted), np.flatnonzero(~is_fitted)
