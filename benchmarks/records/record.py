"""One run of `edge-bench`: its settings, the machine, and a measurement for each subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.environment import Machine
from benchmarks.records.measurement import Measurement

__all__ = ["SCHEMA_VERSION", "BenchmarkRecord", "BoardLimits", "RunSettings", "ScenarioName"]

SCHEMA_VERSION: Final = 3

ScenarioName = Literal["single-stream", "multi-stream", "server", "offline"]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How it was measured; the same settings on the same machine measure the same work.

    Attributes:
        scenario: how queries arrive; `benchmarks.scenarios`.
        min_duration_s: the timed phase lasts at least so long,
        min_queries: and has at least so many queries.
        sustained_s: how long the load goes on after it; 0 for not at all.
        seed: of the order of inputs, arrivals, checked answers and random inputs.
        cold_starts: how many fresh processes a subject.
        samples_per_query: answers in one query of the multi-stream and offline scenarios, else 1.
        rate_hz: queries a second of the server scenario; None for half of what the warm-up
            shows to be possible, and in other scenarios.
        latency_bound_ns: what 99 % of the server scenario's queries must keep; None elsewhere.
        governor: which every processor must have; None for any.
    """

    scenario: ScenarioName
    min_duration_s: float
    min_queries: int
    sustained_s: float
    seed: int
    cold_starts: int
    samples_per_query: int
    rate_hz: float | None
    latency_bound_ns: int | None
    governor: str | None


@dataclass(frozen=True, slots=True)
class BoardLimits:
    """What the board's profile allows.

    Attributes:
        profile: name of the profile, "" where the board has none.
        temperature_c: hottest that it may be before it slows down; None where nobody says.
        zone: thermal zone to which that applies, "cpu-thermal"; "" where the profile names none.
        signals: how the board says that it was throttled; `devices.profile.Throttling`.
    """

    profile: str
    temperature_c: float | None
    zone: str
    signals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BenchmarkRecord:
    """Everything that was measured and seen, raw.

    Attributes:
        schema: always "edgedx-benchmark".
        schema_version: of this form.
        edgedx: version that wrote it.
        started_ns: `time.time_ns()` when it began.
        is_complete: every subject was measured to its end.
        settings: how.
        machine: where.
        limits: of that machine.
        measurements: one a subject, in the order in which they were measured.
        left_out: in words, what the models hold and could not be measured here, and why.
    """

    schema: Literal["edgedx-benchmark"]
    schema_version: Literal[3]
    edgedx: str
    started_ns: int
    is_complete: bool
    settings: RunSettings
    machine: Machine
    limits: BoardLimits
    measurements: tuple[Measurement, ...]
    left_out: tuple[str, ...] = ()
