"""Counted figures: the interval of a share, and whether two counts of changes differ."""

from __future__ import annotations

from math import sqrt

__all__ = ["mcnemar_p_value", "wilson_interval"]

_NORMAL_QUANTILE = 1.959963984540054  # of 0.975


def wilson_interval(successes: int, total: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927).

    Args:
        successes: 0 to `total`.
        total: > 0.

    Returns:
        Lower and upper bound in 0..1.
    """
    share, square = successes / total, _NORMAL_QUANTILE**2
    centre = (share + square / (2 * total)) / (1 + square / total)
    spread = sqrt(share * (1 - share) / total + square / (4 * total**2))
    half = _NORMAL_QUANTILE * spread / (1 + square / total)
    # The ends are exact where nothing or everything succeeded; rounding must not move them.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == total else min(1.0, centre + half)
    return low, high


def mcnemar_p_value(lost: int, won: int) -> float:
    """Exact two-sided p-value that changes go either way alike (McNemar 1947).

    Under the hypothesis that quantization makes right answers wrong as often as wrong ones right,
    the changes are binomial with share 1/2.

    Args:
        lost: right before, wrong after.
        won: wrong before, right after.

    Returns:
        0 to 1; 1 where nothing changed.
    """
    total, fewer = lost + won, min(lost, won)
    if total == 0:
        return 1.0
    # Integers divided only at the end: exact for any count.
    ways = tail = 1
    for k in range(fewer):
        ways = ways * (total - k) // (k + 1)
        tail += ways
    return min(1.0, float(2 * tail / (1 << total)))
