"""How many labelled examples a claim needs."""

from __future__ import annotations

import math
from collections.abc import Callable

from quantize.refusals.finding import Finding

__all__ = ["auroc_half_width", "too_few_for_auroc"]

_NORMAL_97_5 = 1.959964
_MOST = 1 << 24


def auroc_half_width(auroc: float, *, positives: int, negatives: int) -> float:
    """Half the width of the 95 % interval of an AUROC.

    Hanley and McNeil 1982, "The Meaning and Use of the Area under a Receiver Operating
    Characteristic (ROC) Curve", Radiology 143, 29-36.

    Args:
        auroc: expected, 0 to 1.
        positives: how many examples have the finding; at least 1.
        negatives: how many do not; at least 1.
    """
    pairs_positive = auroc / (2.0 - auroc)
    pairs_negative = 2.0 * auroc**2 / (1.0 + auroc)
    variance = (
        auroc * (1.0 - auroc)
        + (positives - 1) * (pairs_positive - auroc**2)
        + (negatives - 1) * (pairs_negative - auroc**2)
    ) / (positives * negatives)
    return _NORMAL_97_5 * math.sqrt(max(0.0, variance))


def too_few_for_auroc(
    label: str,
    *,
    positives: int,
    negatives: int,
    half_width: float,
    auroc: float = 0.9,
    of_all: float = 1.0,
) -> Finding | None:
    """Whether an AUROC can be claimed to within a half-width.

    Args:
        label: the finding's name, for the message.
        positives: how many patients (or examples, where each stands alone) that are reported have
            it, and it is known.
        negatives: how many of them have not.
        half_width: of the 95 % interval, as claimed; over 0.
        auroc: expected; the lower, the more examples are needed.
        of_all: share of newly labelled examples that would be reported, over 0 to 1; figures are
            not reported of those that thresholds are fitted on.

    Returns:
        The finding, with how many of which class are missing; None where there are enough.
    """
    if positives < 1 or negatives < 1:
        return Finding(
            "too-few-for-claim",
            f"'{label}': {positives} examples with and {negatives} without it say nothing about "
            "an AUROC; add labelled examples of both",
            is_fatal=True,
        )
    found = auroc_half_width(auroc, positives=positives, negatives=negatives)
    if found <= half_width:
        return None
    more = (
        each - known
        for each, known in zip(
            _needed(auroc, positives, negatives, half_width), (positives, negatives), strict=True
        )
    )
    advice = " and ".join(
        f"{math.ceil(count / of_all)} more {what} it"
        for count, what in zip(more, ("with", "without"), strict=True)
        if count > 0
    )
    part = "" if of_all == 1.0 else f" in the {of_all:.0%} that are reported"
    return Finding(
        "too-few-for-claim",
        f"'{label}': {positives} patients or examples with and {negatives} without it{part} give "
        f"an AUROC of {auroc:g} to within {found:.3f}, not {half_width:g}; label about {advice}, "
        f"or claim less with --claim-within {math.ceil(found * 100) / 100:g}",
        is_fatal=True,
    )


def _needed(auroc: float, positives: int, negatives: int, half_width: float) -> tuple[int, int]:
    """How many of each class are enough: more of the rarer one first, then as many of both."""

    def is_enough(with_it: int, without: int) -> bool:
        return auroc_half_width(auroc, positives=with_it, negatives=without) <= half_width

    most = max(positives, negatives)
    if is_enough(most, most):
        if positives < negatives:
            return _least(positives, most, lambda count: is_enough(count, negatives)), negatives
        return positives, _least(negatives, most, lambda count: is_enough(positives, count))
    both = _least(most, _MOST, lambda count: is_enough(count, count))
    return both, both


def _least(low: int, high: int, is_enough: Callable[[int], bool]) -> int:
    """The least number that is enough, where `high` is."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low
