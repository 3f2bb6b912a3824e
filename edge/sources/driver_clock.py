"""When a picture was taken, by the stamp that its driver put on it."""

from __future__ import annotations

__all__ = ["DriverClock"]

_PLAUSIBLE_AGE_NS = 10_000_000_000


class DriverClock:
    """Decides which of a driver's stamps are times of CLOCK_MONOTONIC.

    Most drivers stamp their pictures with that clock; some use the wall clock, their device's
    own, or none. A clock is believed once it has given a stamp of the last ten seconds. From then
    on older stamps are believed too: they are pictures that waited in the driver while this
    process stood still, and must not pass for new ones. A stamp that is no later than the one
    before it, or lies in the future, is never believed.
    """

    def __init__(self) -> None:
        self._last_ns = 0
        self._is_believed = False

    def find_capture_ns(self, stamp_ns: int, now_ns: int) -> int:
        """When the picture was taken, in the nanoseconds of time.monotonic_ns().

        Args:
            stamp_ns: what the driver says.
            now_ns: time.monotonic_ns() when the picture came.

        Returns:
            `stamp_ns` where it is believed, else `now_ns`.
        """
        if not self._last_ns < stamp_ns <= now_ns:
            return now_ns
        self._last_ns = stamp_ns
        if now_ns - stamp_ns < _PLAUSIBLE_AGE_NS:
            self._is_believed = True
        return stamp_ns if self._is_believed else now_ns
