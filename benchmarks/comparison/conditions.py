"""Were two subjects measured under like conditions? What must be equal, and what may differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

from benchmarks.records.measurement import Measurement
from benchmarks.records.record import BenchmarkRecord
from benchmarks.summary import arrivals_per_second

__all__ = ["CONDITIONS", "Difference", "differences", "version_changes"]

CONDITIONS: Final = (
    "complete",
    "valid",
    "board",
    "processors",
    "governor",
    "power-mode",
    "emulation",
    "threads",
    "inputs",
    "settings",
    "rate",
)
"""What must be alike. Model, engine, precision and versions are what is compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A condition that is not alike.

    Attributes:
        condition: one of `CONDITIONS`.
        first: as the first record has it.
        second: as the second has it.
    """

    condition: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.condition}: {self.first} against {self.second}"


def differences(
    first: tuple[BenchmarkRecord, Measurement], second: tuple[BenchmarkRecord, Measurement]
) -> tuple[Difference, ...]:
    """Every condition that differs, in the order of `CONDITIONS`."""
    ours, theirs = dict(_conditions(*first)), dict(_conditions(*second))
    return tuple(
        Difference(name, _text(ours[name]), _text(theirs[name]))
        for name in CONDITIONS
        if ours[name] != theirs[name] or ours[name] in _NEVER
    )


_RATE_STEPS = 10

# Of these, two records alike in them are no better.
_NEVER = ("interrupted", "failed", "INVALID", "emulated")


def _conditions(record: BenchmarkRecord, measurement: Measurement) -> Iterator[tuple[str, Any]]:
    machine, before = record.machine, measurement.before
    yield "complete", measurement.status
    yield "valid", "VALID" if measurement.verdict.is_valid else "INVALID"
    yield "board", (machine.board, machine.architecture, machine.processor, machine.kernel)
    yield "processors", machine.processors
    yield "governor", before.governors if before else ()
    yield "power-mode", getattr(before, "power_mode", None)
    yield "emulation", "emulated" if machine.is_emulated else "none"
    yield "threads", measurement.subject.threads
    yield "inputs", tuple(each.sha256 for each in measurement.inputs.identities)
    yield "settings", _settings(record)
    yield "rate", _rate(record, measurement)


def _rate(record: BenchmarkRecord, measurement: Measurement) -> str:
    """Queries a second that arrived in the server scenario, to one part in five or so.

    Without a rate of the user's it is chosen from the warm-up, and differs from run to run.
    """
    timed = measurement.phases.get("timed")
    if record.settings.scenario != "server" or timed is None or timed.count < 2:  # noqa: PLR2004
        return "none"
    rate = arrivals_per_second(timed)
    if not math.isfinite(rate):
        return "none"
    return f"about {10 ** (round(_RATE_STEPS * math.log10(rate)) / _RATE_STEPS):.3g} Hz"


def _settings(record: BenchmarkRecord) -> tuple[tuple[str, Any], ...]:
    """Those that shape the load; how long it went on only narrows the intervals."""
    shaping = ("scenario", "samples_per_query", "rate_hz", "latency_bound_ns")
    return tuple(
        (each.name, getattr(record.settings, each.name))
        for each in fields(record.settings)
        if each.name in shaping
    )


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        if value and all(isinstance(each, str) and len(each) == 64 for each in value):  # noqa: PLR2004 - SHA-256
            return f"{len(value)} inputs ({', '.join(each[:8] for each in value[:3])}...)"
        return ", ".join(dict.fromkeys(_text(each) for each in value)) or "unknown"
    return str(value)


def version_changes(
    first: tuple[BenchmarkRecord, Measurement], second: tuple[BenchmarkRecord, Measurement]
) -> tuple[str, ...]:
    """What differs and is meant to: model, engine, precision, versions; one text each."""
    names = ("name", "version", "artifact", "artifact_sha256", "precision", "engine")
    ours = {name: getattr(first[1].subject, name) for name in (*names, "engine_version")}
    theirs = {name: getattr(second[1].subject, name) for name in (*names, "engine_version")}
    ours |= {"python": first[0].machine.python, **first[0].machine.packages}
    theirs |= {"python": second[0].machine.python, **second[0].machine.packages}
    return tuple(
        f"{name} {_short(ours.get(name))} -> {_short(theirs.get(name))}"
        for name in dict.fromkeys((*ours, *theirs))
        if ours.get(name) != theirs.get(name)
    )


def _short(value: str | None) -> str:
    if value is None:
        return "none"
    return value[:12] if len(value) == 64 else value or "none"  # noqa: PLR2004 - SHA-256
