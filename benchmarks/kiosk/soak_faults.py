"""What goes wrong in a soak, when, and what must be seen of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CYCLE_S",
    "CameraFault",
    "ServiceFault",
    "camera_faults",
    "service_faults",
    "write_script",
]

CYCLE_S = 60.0
"""Each minute the camera has every fault once."""


@dataclass(frozen=True, slots=True)
class CameraFault:
    """A fault that the fake camera plays.

    Attributes:
        kind: as in the fault script.
        at_s: seconds after the start of the soak.
        for_s: how long.
        code: of the event that must tell it.
        quiet_after_s: seconds into the fault from when on nothing may be answered.
    """

    kind: str
    at_s: float
    for_s: float
    code: str
    quiet_after_s: float


_CYCLE = (
    # kind, second of the minute, how long, event, seconds until nothing may be answered
    ("lost", 4.0, 3.0, "source_lost", 0.5),
    ("frozen", 13.0, 5.0, "gate_closed_frozen", 2.5),
    ("torn", 20.0, 2.0, "gate_closed_torn", 0.5),
    ("black", 24.0, 2.0, "gate_closed_black", 0.5),
    ("saturated", 28.0, 2.0, "gate_closed_saturated", 0.5),
    ("stale", 32.0, 2.0, "gate_closed_stale", 0.5),
    ("hang", 36.0, 7.0, "source_lost", 2.6),
)


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """A fault that the soak causes from outside.

    Attributes:
        kind: "worker_killed", "worker_stopped", "disk_full" or "slow_client".
        at_s: seconds after the start of the soak.
        for_s: how long, where it lasts.
        codes: the events that must tell it.
    """

    kind: str
    at_s: float
    for_s: float
    codes: tuple[str, ...]


def camera_faults(minutes: int) -> list[CameraFault]:
    """Every camera fault of so many minutes, in order."""
    return [
        CameraFault(kind, minute * CYCLE_S + at_s, for_s, code, quiet_s)
        for minute in range(minutes)
        for kind, at_s, for_s, code, quiet_s in _CYCLE
    ]


def service_faults(minutes: int) -> list[ServiceFault]:
    """Every other fault: workers are killed early and late, so that one lives long in between."""
    faults = []
    for minute in range(minutes):
        start_s = minute * CYCLE_S
        is_early_or_late = minute < minutes * 0.2 or minute >= minutes * 0.9
        if is_early_or_late and minute % 2 == 1:
            faults.append(ServiceFault("worker_killed", start_s + 46, 0, ("worker_died",)))
        elif is_early_or_late and minute % 6 == 2:  # noqa: PLR2004 - a minute of its own
            codes = ("worker_silent", "worker_started")
            faults.append(ServiceFault("worker_stopped", start_s + 46, 0, codes))
        elif minute % 3 == 0:
            codes = ("journal_failing", "journal_back")
            faults.append(ServiceFault("disk_full", start_s + 46, 8, codes))
        if minute % 3 == 2:  # noqa: PLR2004 - a minute of its own
            faults.append(ServiceFault("slow_client", start_s + 1, 58, ("client_slow",)))
    return sorted(faults, key=lambda each: each.at_s)


def write_script(path: Path, faults: list[CameraFault], origin_ns: int) -> None:
    """Write the camera's part as `edge.sources.fault_script` reads it.

    Args:
        path: where.
        faults: of the whole soak.
        origin_ns: its start in the nanoseconds of time.monotonic_ns().
    """
    script = {
        "origin_monotonic_ns": origin_ns,
        "faults": [{"at_s": e.at_s, "for_s": e.for_s, "fault": e.kind} for e in faults],
    }
    path.write_text(json.dumps(script), encoding="utf-8")
