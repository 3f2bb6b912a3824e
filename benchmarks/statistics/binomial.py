"""Whether a share is surely at most, or surely above, what is allowed."""

from __future__ import annotations

import math

__all__ = ["chance_of_at_least", "chance_of_at_most", "trials_without_a_hit"]


def chance_of_at_most(hits: int, trials: int, share: float) -> float:
    """Chance of so many hits or fewer, exact.

    Clopper and Pearson 1934, "The Use of Confidence or Fiducial Limits Illustrated in the Case of
    the Binomial", one-sided: where this is 5 % or less, the true share is below `share` with 95 %
    confidence.

    Args:
        hits: 0..trials.
        trials: independent ones.
        share: of hits, strictly between 0 and 1.
    """
    return min(1.0, math.fsum(math.exp(_log_chance(k, trials, share)) for k in range(hits + 1)))


def chance_of_at_least(hits: int, trials: int, share: float) -> float:
    """Chance of so many hits or more; see `chance_of_at_most`."""
    return max(0.0, 1.0 - chance_of_at_most(hits - 1, trials, share)) if hits else 1.0


def trials_without_a_hit(share: float, chance: float) -> int:
    """So many trials without a hit have at most that chance: 299 for 1 % and 5 %."""
    return math.ceil(math.log(chance) / math.log1p(-share))


def _log_chance(hits: int, trials: int, share: float) -> float:
    ways = math.lgamma(trials + 1) - math.lgamma(hits + 1) - math.lgamma(trials - hits + 1)
    return ways + hits * math.log(share) + (trials - hits) * math.log1p(-share)
