"""The temperatures at which a kernel acts on heat, as it says them itself.

Linux, Documentation/driver-api/thermal/sysfs-api.rst: trip points of a thermal zone with their
types; "passive" ones slow the processor, "hot" ones warn, "critical" ones switch the machine off,
"active" ones start a fan. On a Raspberry Pi the firmware throttles before any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devices.sysfs import find_paths, read_integer, read_text

__all__ = ["TripPoint", "read_trip_points"]


@dataclass(frozen=True, slots=True)
class TripPoint:
    """One of them.

    Attributes:
        zone: "0 cpu-thermal", as in `SensorReading.temperatures_c`.
        kind: "active", "passive", "hot" or "critical".
        temperature_c: where it lies.
    """

    zone: str
    kind: str
    temperature_c: float


def read_trip_points(root: Path = Path("/")) -> tuple[TripPoint, ...]:
    """Every trip point that can be read; nothing where a machine has none.

    Args:
        root: where `sys` is.
    """
    found = []
    for zone in find_paths(root / "sys/class/thermal", "thermal_zone[0-9]*"):
        number = zone.name.removeprefix("thermal_zone")
        name = f"{number} {read_text(zone / 'type') or ''}".strip()
        for path in find_paths(zone, "trip_point_*_temp"):
            kind = read_text(zone / path.name.replace("_temp", "_type"))
            millidegrees = read_integer(path)
            # Zero and below stand for a trip point that is switched off.
            if kind is not None and millidegrees is not None and millidegrees > 0:
                found.append(TripPoint(name, kind, millidegrees / 1000))
    return tuple(found)
