"""Signs in a log of sensors that the board slowed itself down. Arithmetic only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.records.measurement import SensorLog
from benchmarks.records.sample_column import MISSING
from devices.sensors import describe_throttle_bits

__all__ = ["SIGNALS", "ThrottleSign", "find_throttle_signs", "is_brake", "tells_throttling"]

SIGNALS: Final = {
    "throttle_bits": "the firmware's throttle bits",
    "throttle_events": "the processor's throttle counter",
    "overcurrent_events": "the over-current counter",
    "undervoltage": "the under-voltage alarm",
    "cooling": "a brake on the processor's clock",
}
"""What tells throttling, by the first word of its trace's name."""

_NOW: Final = 0xF
_COOLING = "cooling "
# Cooling devices of Linux that slow the processor: cpufreq's by its names up to 5.11
# ("thermal-cpufreq-0") and since ("cpufreq-cpu0"), ACPI's, and the Jetsons' of the hardware; all
# rest at 0. Fans, graphics ("devfreq-...") and Intel's offsets, which rest elsewhere, are none.
_BRAKES = ("cpufreq", "cpu-throttle", "Processor")


@dataclass(frozen=True, slots=True)
class ThrottleSign:
    """The first time that one sensor told of throttling.

    Attributes:
        at_ns: when it was read, in nanoseconds since the measurement's `origin_ns`.
        trace: name of the sensor's trace in the log.
        sign: what kind of sensor it is, one of `SIGNALS`' words.
        detail: what it said all in all, "" where that is no more than `sign`.
    """

    at_ns: int
    trace: str
    sign: str
    detail: str


def find_throttle_signs(
    log: SensorLog, begin_ns: int | None = None, end_ns: int | None = None
) -> tuple[ThrottleSign, ...]:
    """Find what tells of throttling between two moments.

    The firmware's bits that are set now, or set since boot and were not at the first reading; the
    under-voltage alarm; a counter above its first reading; a brake on the processor's clock whose
    state is above 0.

    Args:
        log: its readings from `begin_ns` to `end_ns`, both included, are looked at.
        begin_ns: since the measurement's `origin_ns`; None for from the first one on.
        end_ns: the same; None for to the last one.

    Returns:
        At most one sign a trace, the earliest first.
    """
    signs = sorted(_signs(log, begin_ns, end_ns), key=lambda each: (each.at_ns, each.trace))
    return tuple(signs)


def tells_throttling(log: SensorLog) -> bool:
    """Whether any sensor of the log could tell of throttling; a fan cannot."""
    return any(
        is_brake(name) if name.startswith(_COOLING) else name in SIGNALS
        for name, column in log.traces.items()
        if (column.values() != MISSING).any()
    )


def is_brake(name: str) -> bool:
    """Whether a trace is of a cooling device that slows the processor, "cooling 0 cpufreq-cpu0"."""
    return name.startswith(_COOLING) and any(each in name for each in _BRAKES)


def _signs(log: SensorLog, begin_ns: int | None, end_ns: int | None) -> Iterator[ThrottleSign]:
    times = log.times.values()
    during = np.ones(times.shape, dtype=bool)
    if begin_ns is not None:
        during &= times >= begin_ns
    if end_ns is not None:
        during &= times <= end_ns
    for name, column in log.traces.items():
        kind = "cooling" if is_brake(name) else name
        if kind not in SIGNALS:
            continue
        values = column.values()
        seen = during & (values != MISSING)
        hits = _hits(kind, values[seen])
        if hits.any():
            at = int(times[seen][int(np.argmax(hits))])
            yield ThrottleSign(at, name, SIGNALS[kind], _detail(kind, name, values[seen]))


def _hits(kind: str, values: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not values.size:
        return np.zeros(0, dtype=bool)
    if kind == "throttle_bits":
        values = values & (_NOW | ~values[0])
    is_counter = kind in ("throttle_events", "overcurrent_events")
    hits: NDArray[np.bool_] = values > (values[0] if is_counter else 0)
    return hits


def _detail(kind: str, name: str, values: NDArray[np.int64]) -> str:
    if kind == "throttle_bits":
        said = int(np.bitwise_or.reduce(values & (_NOW | ~values[0])))
        now = said & _NOW
        return ", ".join(describe_throttle_bits(now or said)).replace(" since boot", "")
    if kind == "cooling":
        return f"{name.removeprefix(_COOLING)} at {int(values.max())}"
    if kind == "undervoltage":
        return ""
    return f"{int(values[-1] - values[0])} more"
