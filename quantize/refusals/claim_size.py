"""How many labelled examples a claim needs."""

from __future__ import annotations

import math

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
    label: str, *, positives: int, negatives: int, half_width: float, auroc: float = 0.9
) -> Finding | None:
    """Whether an AUROC can be claimed to within a half-width.

    Args:
        label: the finding's name, for the message.
        positives: how many examples have it.
        negatives: how many do not.
        half_width: of the 95 % interval, as claimed; over 0.
        auroc: expected; the lower, the more examples are needed.

    Returns:
        The finding, with the number needed at the same share of positives; None where there are
        enough.
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
    times = _times_needed(auroc, positives, negatives, half_width)
    return Finding(
        "too-few-for-claim",
        f"'{label}': {positives} examples with and {negatives} without it give an AUROC of "
        f"{auroc:g} to within {found:.3f}, not {half_width:g}; label about "
        f"{math.ceil(positives * times)} with and {math.ceil(negatives * times)} without, or "
        f"claim less with --claim-within {math.ceil(found * 100) / 100:g}",
        is_fatal=True,
    )


def _times_needed(auroc: float, positives: int, negatives: int, half_width: float) -> float:
    low, high = 1.0, 2.0

    def width(times: float) -> float:
        return auroc_half_width(
            auroc, positives=math.ceil(positives * times), negatives=math.ceil(negatives * times)
        )

    while width(high) > half_width and high < _MOST:
        low, high = high, 2.0 * high
    for _ in range(20):
        middle = (low + high) / 2.0
        low, high = (middle, high) if width(middle) > half_width else (low, middle)
    return high
