"""What a long measurement shows: throttling, cold against sustained, memory. Arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.records.measurement import AnswerSamples, Measurement, SensorLog
from benchmarks.records.record import BoardLimits
from benchmarks.records.sample_column import MISSING
from benchmarks.statistics.bootstrap import Interval, block_ratio_of_quantiles
from benchmarks.statistics.relative_series import relative_to_inputs
from benchmarks.statistics.trend import theil_sen
from benchmarks.throttle_signs import find_throttle_signs, tells_throttling
from edge.errors import InputError

__all__ = [
    "LEAK_MIB_PER_HOUR",
    "LEAST_MINUTES_FOR_LEAK",
    "MemoryGrowth",
    "SoakFindings",
    "Throttling",
    "examine_soak",
    "loaded_answers",
]

LEAK_MIB_PER_HOUR: Final = 1.0
"""Growth that is surely above this is a finding; allocators alone drift by less."""

LEAST_MINUTES_FOR_LEAK: Final = 30.0

_COLD_S: Final = 60.0
_SUSTAINED_SHARE: Final = 0.2
# Allocators and caches fill up at first; what grows later as well is a leak.
_SETTLING_SHARE: Final = 0.5
_LEAST_READINGS: Final = 24
_TREND_PARTS: Final = 12
_LEAK_PARTS: Final = 6
_SETTLES: Final = 0.75
_CLOCK_FALL: Final = 0.05
_NS = 1e9
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Throttling:
    """When the board first slowed itself down.

    Attributes:
        after_s: seconds of load until then.
        sign: what told it.
    """

    after_s: float
    sign: str


@dataclass(frozen=True, slots=True)
class MemoryGrowth:
    """How resident memory went in the second half of the load.

    Attributes:
        mib_per_hour: slope with its 95 % interval.
        first_mib: median of the first tenth of that half.
        last_mib: median of its last.
        is_leak: the slope is surely above `LEAK_MIB_PER_HOUR`, memory grows in every sixth of
            that half, and it grows no slower at the end than at the start; None where the load
            was shorter than `LEAST_MINUTES_FOR_LEAK`, in which memory still settles.
    """

    mib_per_hour: Interval
    first_mib: float
    last_mib: float
    is_leak: bool | None


@dataclass(frozen=True, slots=True)
class SoakFindings:
    """What a soak showed.

    Attributes:
        minutes: of load.
        answers: given in that time.
        throttling: None where the board gave no sign of it.
        can_tell_throttling: whether this board can give any sign.
        sustained_over_cold: how many times the median answer of the last fifth takes that of the
            first minute; None where the load was too short.
        cold_ms: median answer of the first minute.
        sustained_ms: median answer of the last fifth.
        hottest_c: and where; None where no temperature can be read.
        memory: None where the readings are too few.
    """

    minutes: float
    answers: int
    throttling: Throttling | None
    can_tell_throttling: bool
    sustained_over_cold: Interval | None
    cold_ms: float | None
    sustained_ms: float | None
    hottest_c: tuple[float, str] | None
    memory: MemoryGrowth | None


def examine_soak(measurement: Measurement, limits: BoardLimits) -> SoakFindings:
    """Look at a long measurement.

    Args:
        measurement: with its timed and sustained phases.
        limits: of the board.

    Raises:
        InputError: nothing was timed.
    """
    started, calls, inputs = loaded_answers(measurement)
    seconds = (started - started[0]) / _NS
    minutes = float(seconds[-1]) / 60.0
    cold = seconds < min(_COLD_S, seconds[-1] / 3)
    last = seconds > seconds[-1] * (1.0 - _SUSTAINED_SHARE)
    ratio = None
    if minutes * 60.0 >= 2 * _COLD_S:
        relative = relative_to_inputs(calls, inputs)
        ratio = block_ratio_of_quantiles(relative[cold], relative[last], 0.5)
    log = measurement.sensors
    begun = int(started[0])
    return SoakFindings(
        minutes=minutes,
        answers=sum(each.taken for each in _loaded_phases(measurement)),
        throttling=_throttling(log, begun, limits),
        can_tell_throttling=_can_tell_throttling(log, limits),
        sustained_over_cold=ratio,
        cold_ms=float(np.median(calls[cold])) / 1e6 if cold.any() else None,
        sustained_ms=float(np.median(calls[last])) / 1e6 if last.any() else None,
        hottest_c=_hottest(log),
        memory=_memory(log, begun, minutes),
    )


def loaded_answers(
    measurement: Measurement,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Start times, calls and inputs of the timed and the sustained phase, one series each.

    Raises:
        InputError: nothing was timed.
    """
    phases = _loaded_phases(measurement)
    if not phases:
        raise InputError(
            f"{measurement.subject.name} was never timed ({measurement.failure or 'no answers'}); "
            "measure it again"
        )
    started, calls, inputs = (
        np.concatenate([each.values(name) for each in phases])
        for name in ("started", "call", "input")
    )
    return started, calls, inputs


def _loaded_phases(measurement: Measurement) -> list[AnswerSamples]:
    return [
        measurement.phases[name]
        for name in ("timed", "sustained")
        if name in measurement.phases and measurement.phases[name].count
    ]


def _throttling(log: SensorLog, begun_ns: int, limits: BoardLimits) -> Throttling | None:
    """The earliest of all signs."""
    signs = find_throttle_signs(log, begin_ns=begun_ns)
    if signs:
        return Throttling((signs[0].at_ns - begun_ns) / _NS, signs[0].sign)
    return _slowed_by_heat(log, log.times.values(), begun_ns, limits)


def _can_tell_throttling(log: SensorLog, limits: BoardLimits) -> bool:
    """By a sensor of its own, or by a clock and the heat at which this board lowers it."""
    has_clock = any(name.startswith("clock_mhz ") for name in log.traces)
    has_heat = limits.temperature_c is not None and _processor_heat(log, limits) is not None
    return tells_throttling(log) or (has_clock and has_heat)


def _slowed_by_heat(
    log: SensorLog, times: NDArray[np.int64], begun_ns: int, limits: BoardLimits
) -> Throttling | None:
    """The fastest clock fell for good while the board was as hot as its profile allows."""
    clocks = [each.values() for name, each in log.traces.items() if name.startswith("clock_mhz ")]
    heat = _processor_heat(log, limits)
    if not clocks or heat is None or limits.temperature_c is None:
        return None
    fastest = np.max(clocks, axis=0)
    usable = (times >= begun_ns) & (fastest > 0)
    if not usable.any():
        return None
    level = np.median(fastest[usable][: max(1, int(usable.sum()) // 10)])
    hits = usable & (fastest < level * (1.0 - _CLOCK_FALL)) & (heat >= 1000 * limits.temperature_c)
    if not hits.any():
        return None
    seconds = float(times[int(np.argmax(hits))] - begun_ns) / _NS
    return Throttling(
        seconds, f"a lower clock at {limits.temperature_c:g} degrees Celsius and more"
    )


def _processor_heat(log: SensorLog, limits: BoardLimits) -> NDArray[np.int64] | None:
    found = [
        column.values()
        for name, column in log.traces.items()
        if name.startswith("temperature_mc ") and limits.zone in name
    ]
    return np.max(found, axis=0) if found else None


def _hottest(log: SensorLog) -> tuple[float, str] | None:
    found = [
        (int(column.values().max()) / 1000, name.removeprefix("temperature_mc "))
        for name, column in log.traces.items()
        if name.startswith("temperature_mc ") and column.count
    ]
    return max(found, default=None)


def _memory(log: SensorLog, begun_ns: int, minutes: float) -> MemoryGrowth | None:
    column = log.traces.get("resident_bytes")
    if column is None:
        return None
    times, values = log.times.values(), column.values()
    counted = (times >= begun_ns) & (values != MISSING)
    times, values = times[counted], values[counted]
    settled = int(times.size * _SETTLING_SHARE)
    times, values = times[settled:], values[settled:]
    if times.size < _LEAST_READINGS:
        return None
    # Few points: readings of one minute resemble each other, and Sen's interval takes them as
    # news each.
    hours = _medians(times - times[0], _TREND_PARTS) / (3600 * _NS)
    slope = theil_sen(hours, _medians(values, _TREND_PARTS) / _MIB)
    tenth = max(1, values.size // 10)
    is_judged = minutes >= LEAST_MINUTES_FOR_LEAK
    return MemoryGrowth(
        mib_per_hour=slope,
        first_mib=float(np.median(values[:tenth])) / _MIB,
        last_mib=float(np.median(values[-tenth:])) / _MIB,
        is_leak=slope.low > LEAK_MIB_PER_HOUR and _goes_on(values) if is_judged else None,
    )


def _goes_on(values: NDArray[np.int64]) -> bool:
    """Whether memory grows part after part, and no slower at last.

    One step of an allocator, or caches that fill ever more slowly, are no leak.
    """
    steps = np.diff(_medians(values, _LEAK_PARTS))
    settling = steps[-2:].mean() < _SETTLES * steps[:2].mean()
    return bool(steps.min() > 0 and not settling)


def _medians(values: NDArray[np.int64], parts: int) -> NDArray[np.float64]:
    return np.array([float(np.median(each)) for each in np.array_split(values, parts)])
