"""How long to wait before a lost source is opened anew."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from edge.errors import UsageError

__all__ = ["BackOff"]

_MOST_DOUBLINGS = 62


@dataclass(frozen=True, slots=True)
class BackOff:
    """Exponential back-off with full jitter, without end.

    The wait after the k-th failure in a row is drawn evenly from 0 to `first_s` times 2 to the
    power k - 1, and never from above `cap_s`: many devices that lost one server do not come back
    at one moment (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    It is counted from the start of an attempt, so one that took longer is followed by the next
    at once: a source that comes back is asked again within the larger of `cap_s` and what its
    opening may take. Failures are in a row until a source has given frames for `cap_s`.

    Attributes:
        first_s: the most seconds to wait after the first failure.
        cap_s: the most seconds ever to wait.

    Raises:
        UsageError: not 0 < first_s <= cap_s.
    """

    first_s: float = 0.25
    cap_s: float = 2.5

    def __post_init__(self) -> None:
        if not (0 < self.first_s <= self.cap_s and math.isfinite(self.cap_s)):
            raise UsageError(
                f"the waits between attempts are {self.first_s} to {self.cap_s} s; give positive "
                "seconds, the first no longer than the longest",
            )

    def most_s(self, failures: int) -> float:
        """The longest wait, in seconds, after so many failures in a row (1 and up)."""
        return min(self.cap_s, self.first_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))

    def wait_s(self, failures: int, source: random.Random) -> float:
        """Draw a wait in seconds, from 0 to `most_s`."""
        return source.uniform(0.0, self.most_s(failures))
