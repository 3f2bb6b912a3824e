"""How much time has passed since the journal began, whatever the wall clock does.

A board without a battery-backed clock starts in 1970 and leaps by half a century when it first
hears of the time; entries from before would look fifty years old, and a bound on age would
delete them. So ages are counted, not read off: within one start of the machine by its monotonic
clock, between two starts by the wall clock, where it had been set at both and at most a week.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ElapsedClock", "Moment"]

_DAY_NS = 24 * 3600 * 1_000_000_000
_LONGEST_OFF_NS = 7 * _DAY_NS
_EARLIEST_BELIEVED_NS = 1_735_689_600 * 1_000_000_000
"""The start of 2025: a clock that shows an earlier time has not been set."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant by all the clocks that there are.

    Attributes:
        time_ns: wall clock, nanoseconds since 1970.
        boot_id: which start of the machine the monotonic clock belongs to.
        monotonic_ns: monotonic clock.
    """

    time_ns: int
    boot_id: str
    monotonic_ns: int


@dataclass(frozen=True, slots=True)
class ElapsedClock:
    """Time counted up to a moment.

    Attributes:
        at: the moment, with the greatest monotonic time seen in its start of the machine.
        elapsed_ns: since the journal began; never decreases.
    """

    at: Moment
    elapsed_ns: int = 0

    def advanced(self, to: Moment) -> ElapsedClock:
        """The clock at another moment, which came later in the journal."""
        if to.boot_id == self.at.boot_id:
            step = max(0, to.monotonic_ns - self.at.monotonic_ns)
            highest = max(to.monotonic_ns, self.at.monotonic_ns)
            at = Moment(to.time_ns, to.boot_id, highest)
            return ElapsedClock(at, self.elapsed_ns + step)
        step = 0
        if min(to.time_ns, self.at.time_ns) >= _EARLIEST_BELIEVED_NS:
            step = min(max(0, to.time_ns - self.at.time_ns), _LONGEST_OFF_NS)
        return ElapsedClock(to, self.elapsed_ns + step)
