"""What disturbed the machine while it was measured: load, clocks, heat, throttling, sensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import Machine, MachineState, others_share
from benchmarks.records.measurement import Measurement, SensorLog
from benchmarks.records.record import BoardLimits
from benchmarks.records.sample_column import MISSING
from benchmarks.throttle_signs import find_throttle_signs, is_brake
from devices.sensors import describe_throttle_bits

__all__ = ["MOST_CLOCK_CHANGE", "MOST_OTHERS_SHARE", "find_machine_faults"]

MOST_OTHERS_SHARE: Final = 0.05
MOST_CLOCK_CHANGE: Final = 0.05
_MOST_CLOCK_JUMP_NS = 100_000_000
# A single reading may fall between two settings of a clock.
_ODD_READINGS = 2
_THROTTLED_NOW = 0xF
_PROCESSOR_ZONES = ("cpu", "soc", "x86_pkg", "core", "bcm2")


def find_machine_faults(
    measurement: Measurement, *, machine: Machine, limits: BoardLimits, governor: str | None
) -> list[str]:
    """Say what disturbed the machine.

    Others that took more than `MOST_OTHERS_SHARE` of the processors; a governor that changed or
    is not the one asked for; the fastest clock off its median by more than `MOST_CLOCK_CHANGE`
    in two readings or more while it was timed; throttling, under-voltage and over-current while
    it was timed, as far as the board says it (`benchmarks.throttle_signs`); heat past the
    profile's limit; a wall clock that jumped against the steady one (which is also how a
    suspended machine shows); a sensor that vanished.

    Args:
        measurement: with the states before and after, and the log of sensors.
        machine: where.
        limits: of that machine.
        governor: which every processor must have; None for any.
    """
    faults: list[str] = []
    before, after, log = measurement.before, measurement.after, measurement.sensors
    if before is not None:
        faults += _governor_faults(before, after, governor)
    if before is not None and after is not None:
        faults += _load_faults(before, after, log, measurement.origin_ns, machine)
        faults += _throttle_faults(before, after, log, measurement.origin_ns)
    faults += _clock_faults(log, *_moments(measurement))
    faults += _heat_faults(log, limits)
    faults += _jump_faults(log)
    faults += _vanished(log)
    return faults


def _governor_faults(
    before: MachineState, after: MachineState | None, governor: str | None
) -> Iterator[str]:
    if after is not None and before.governors != after.governors:
        yield f"the governor changed from {_set(before.governors)} to {_set(after.governors)}"
    elif governor is not None and set(before.governors) != {governor}:
        found = _set(before.governors) or "not to be read"
        yield f"the governor is {found}, asked for was {governor}"


def _set(names: tuple[str, ...]) -> str:
    return ", ".join(sorted(set(names)))


def _load_faults(
    before: MachineState, after: MachineState, log: SensorLog, origin_ns: int, machine: Machine
) -> Iterator[str]:
    share = others_share(before, after, machine.processors)
    if share is None:
        return
    elapsed_s = (after.monotonic_ns - before.monotonic_ns) / 1e9
    own_s = _watcher_s(log, before.monotonic_ns - origin_ns, after.monotonic_ns - origin_ns)
    share = max(0.0, share - own_s / (elapsed_s * machine.processors)) if elapsed_s > 0 else share
    if share > MOST_OTHERS_SHARE:
        yield f"other programs took {share:.0%} of the processors"


def _watcher_s(log: SensorLog, begin_ns: int, end_ns: int) -> float:
    """Processor time of our own watching process between two moments."""
    column = log.traces.get("watcher_ms")
    if column is None:
        return 0.0
    times, spent = log.times.values(), column.values()
    during = spent[(times >= begin_ns) & (times <= end_ns)]
    return float(during[-1] - during[0]) / 1e3 if during.size else 0.0


def _throttle_faults(
    before: MachineState, after: MachineState, log: SensorLog, origin_ns: int
) -> Iterator[str]:
    """By the two states, which bound the time exactly, and by the readings between them."""
    signs = find_throttle_signs(
        log, before.monotonic_ns - origin_ns, after.monotonic_ns - origin_ns
    )
    seen = {sign.trace: sign for sign in signs}
    firmware = _firmware_fault(before.throttle_bits, after.throttle_bits)
    if firmware:
        yield firmware
    elif sign := seen.get("throttle_bits"):
        yield f"meanwhile the board met: {sign.detail.replace(' now', '')}"
    if after.has_undervoltage or "undervoltage" in seen:
        yield "the board's supply sank too low"
    if _grew(before.throttle_events, after.throttle_events) or "throttle_events" in seen:
        yield "processors were throttled meanwhile"
    if _grew(before.overcurrent_events, after.overcurrent_events) or "overcurrent_events" in seen:
        yield "the board was throttled for its supply meanwhile"
    brakes = [sign.detail for sign in signs if is_brake(sign.trace)]
    if brakes:
        yield f"the processor's clock was braked meanwhile: {', '.join(brakes)}"


def _firmware_fault(before: int | None, after: int | None) -> str:
    """What the firmware's words before and after tell; "" for nothing."""
    if after is not None and after & _THROTTLED_NOW:
        return f"the board says: {', '.join(describe_throttle_bits(after & _THROTTLED_NOW))}"
    if before is not None and after is not None and after & ~before:
        new = describe_throttle_bits(after & ~before)
        return f"meanwhile the board met: {', '.join(new).replace(' since boot', '')}"
    return ""


def _grew(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after > before


def _moments(measurement: Measurement) -> tuple[int, int]:
    """From when to when was timed, since the measurement's origin; all of it where unknown."""
    before, after = measurement.before, measurement.after
    begin = 0 if before is None else before.monotonic_ns - measurement.origin_ns
    end = np.iinfo(np.int64).max if after is None else after.monotonic_ns - measurement.origin_ns
    return begin, int(end)


def _clock_faults(log: SensorLog, begin_ns: int, end_ns: int) -> Iterator[str]:
    clocks = _readings(log, "clock_mhz ")
    if clocks is None:
        return
    times = log.times.values()
    # Cores that nothing runs on rest as they please: the fastest is the one that worked. While a
    # process starts, loads and warms up, clocks rise as they should.
    fastest = clocks.max(axis=0)
    fastest = fastest[(fastest > 0) & (times >= begin_ns) & (times <= end_ns)]
    if not fastest.size:
        return
    usual = float(np.median(fastest))
    odd = fastest[np.abs(fastest - usual) > MOST_CLOCK_CHANGE * usual]
    if odd.size >= _ODD_READINGS:
        yield (
            f"the clock changed: {usual:.0f} MHz, and {int(odd.min())} to {int(odd.max())} MHz "
            f"in {odd.size} of {fastest.size} readings"
        )


def _heat_faults(log: SensorLog, limits: BoardLimits) -> Iterator[str]:
    names = [name for name in log.traces if name.startswith("temperature_mc ")]
    zones = (limits.zone,) if limits.zone else _PROCESSOR_ZONES
    inside = [name for name in names if any(zone in name.lower() for zone in zones)]
    if limits.temperature_c is None or not names:
        return
    hottest = max(int(log.traces[name].values().max(initial=MISSING)) for name in inside or names)
    if hottest > limits.temperature_c * 1000:
        yield (
            f"it became {hottest / 1000:.1f} degrees Celsius hot, {limits.profile} slows down "
            f"from {limits.temperature_c:g} on"
        )


def _jump_faults(log: SensorLog) -> Iterator[str]:
    offset = log.traces.get("wall_offset_ns")
    if offset is None or offset.count < 2:  # noqa: PLR2004 - a jump lies between two
        return
    steps = np.diff(offset.values())
    largest = int(steps[np.argmax(np.abs(steps))])
    if abs(largest) > _MOST_CLOCK_JUMP_NS:
        yield f"the clock jumped by {largest / 1e9:+.1f} s, or the machine slept"


def _vanished(log: SensorLog) -> Iterator[str]:
    gone = []
    for name, column in log.traces.items():
        values = column.values()
        there = np.flatnonzero(values != MISSING)
        if name != "resident_bytes" and there.size and (values[there[0] :] == MISSING).any():
            gone.append(name)
    if gone:
        yield f"sensors vanished meanwhile: {', '.join(sorted(gone))}"


def _readings(log: SensorLog, prefix: str) -> NDArray[np.int64] | None:
    """Traces of a kind, int64 of shape (sensors, readings); a missing reading is negative."""
    traces = [column.values() for name, column in log.traces.items() if name.startswith(prefix)]
    return np.stack(traces) if traces else None
