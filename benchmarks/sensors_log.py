"""Reads the machine's sensors while another process measures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.records.measurement import SensorLog
from benchmarks.records.sample_column import MISSING, SampleColumn
from devices.firmware import read_pmic_rails_w
from devices.sensors import SensorReading, read_sensors

__all__ = ["PMIC_SUM", "SensorRecorder", "traces_of"]

PMIC_SUM: Final = "PMIC sum"
"""The Raspberry Pi 5's power chip, all rails added: USB devices are not in it."""


class SensorRecorder:
    """Collects readings of every sensor, and what reading them costs.

    It runs in the process that waits for the measurement, not in the one that measures, so that
    no answer waits for a sensor, which on some boards takes milliseconds.

    Args:
        period_ms: how often `read_if_due` reads.
        root: where `proc` and `sys` are.
        resident_bytes: memory of the measuring process; None where it is gone.
        power_program: asked for the rails of a Raspberry Pi 5's power chip; None for nothing.
    """

    def __init__(
        self,
        *,
        period_ms: int = 1000,
        root: Path = Path("/"),
        resident_bytes: Callable[[], int | None] = lambda: None,
        power_program: str | None = None,
    ) -> None:
        self.period_ms = period_ms
        self._root = root
        self._resident_bytes = resident_bytes
        self._power_program = power_program
        self._times: list[int] = []
        self._traces: dict[str, list[int]] = {}
        self._cost_ns = 0
        self._first_offset_ns: int | None = None

    @property
    def next_ns(self) -> int:
        """When, by `time.monotonic_ns`, the next reading is due."""
        return self._times[-1] + self.period_ms * 1_000_000 if self._times else 0

    def read(self) -> SensorReading:
        """Read every sensor once and keep it."""
        started_ns = _own_ns()
        reading = read_sensors(self._root)
        found = traces_of(reading)
        offset = found["wall_offset_ns"]
        if self._first_offset_ns is None:
            self._first_offset_ns = offset
        found["wall_offset_ns"] = offset - self._first_offset_ns
        resident = self._resident_bytes()
        if resident is not None:
            found["resident_bytes"] = resident
        found |= self._chip_power()
        found["watcher_ms"] = _own_ns() // 1_000_000
        self._keep(reading.monotonic_ns, found)
        self._cost_ns += _own_ns() - started_ns
        return reading

    def _chip_power(self) -> dict[str, int]:
        if self._power_program is None:
            return {}
        rails = read_pmic_rails_w(self._power_program)
        if rails:
            return {f"power_mw {PMIC_SUM}": round(1000 * sum(rails.values()))}
        if not self._times:
            # Another board, or no such program: it need not be asked every second.
            self._power_program = None
        return {}

    def log(self, origin_ns: int) -> SensorLog:
        """What has been read so far.

        Args:
            origin_ns: `time.monotonic_ns()` to which times become relative.
        """
        return SensorLog(
            period_ms=self.period_ms,
            times=SampleColumn.from_values([each - origin_ns for each in self._times]),
            traces={
                name: SampleColumn.from_values(values) for name, values in self._traces.items()
            },
            cost_ns=self._cost_ns,
        )

    def _keep(self, moment_ns: int, found: dict[str, int]) -> None:
        count = len(self._times)
        self._times.append(moment_ns)
        for name, value in found.items():
            # A sensor that appears late was missing before, and one that is gone is missing now.
            self._traces.setdefault(name, [MISSING] * count).append(value)
        for values in self._traces.values():
            if len(values) == count:
                values.append(MISSING)


def _own_ns() -> int:
    """Processor time of this process and of the children that it has waited for."""
    times = os.times()
    return time.process_time_ns() + round((times.children_user + times.children_system) * 1e9)


def traces_of(reading: SensorReading) -> dict[str, int]:
    """One whole number a sensor, by the names of `SensorLog.traces`; only those that answered.

    `wall_offset_ns` is the wall clock minus the steady clock.
    """
    found = {"wall_offset_ns": reading.time_ns - reading.monotonic_ns}
    optional = {
        "throttle_bits": reading.throttle_bits,
        "throttle_events": reading.throttle_events,
        "overcurrent_events": reading.overcurrent_events,
        "undervoltage": reading.has_undervoltage,
        "busy_ms": None if reading.busy_s is None else round(reading.busy_s * 1000),
    }
    for clock in reading.clocks:
        optional[f"clock_mhz cpu{clock.processor}"] = clock.current_mhz
    found |= {name: int(value) for name, value in optional.items() if value is not None}
    for zone, celsius in reading.temperatures_c.items():
        found[f"temperature_mc {zone}"] = round(celsius * 1000)
    for rail, watt in reading.power_rails_w.items():
        found[f"power_mw {rail}"] = round(watt * 1000)
    for cooling in reading.coolings:
        found[f"cooling {cooling.name}"] = cooling.state
    return found
