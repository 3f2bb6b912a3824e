"""From what the processes left behind to one measurement of the record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from benchmarks.answer_log import read_spool
from benchmarks.energy import energy_by_answer
from benchmarks.environment import Machine
from benchmarks.records.measurement import (
    AnswerSamples,
    ColdStart,
    InputIdentity,
    InputSet,
    Measurement,
    SensorLog,
    Verdict,
)
from benchmarks.records.record import BoardLimits, RunSettings
from benchmarks.sensors_log import SensorRecorder
from benchmarks.subject_request import SubjectFacts, answers_path, read_facts
from benchmarks.subjects import PlannedSubject
from benchmarks.truth import compare_repeated
from benchmarks.verdict import judge

__all__ = ["RunConditions", "SubjectInProgress", "assemble_measurement"]

_NOT_JUDGED = Verdict(is_valid=False, reasons=(), notes=())

Status = Literal["complete", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class RunConditions:
    """What holds for all measurements of a run; see `BenchmarkRecord`."""

    settings: RunSettings
    machine: Machine
    limits: BoardLimits


@dataclass(slots=True)
class SubjectInProgress:
    """A subject while it is measured.

    Attributes:
        planned: what is measured.
        inputs: what it is fed.
        folder: where the processes leave their files.
        cold_starts: so far.
        sensors: None until the measuring process runs.
    """

    planned: PlannedSubject
    inputs: InputSet
    folder: Path
    cold_starts: tuple[ColdStart, ...] = ()
    sensors: SensorRecorder | None = None


def assemble_measurement(
    subject: SubjectInProgress, conditions: RunConditions, *, status: Status, failure: str
) -> Measurement:
    """Put together what is there and judge it.

    Args:
        subject: what was measured, in whatever state its files are.
        conditions: of the run.
        status: how it ended.
        failure: why it ended early.
    """
    facts = read_facts(subject.folder)
    phases = _phases(subject.folder, facts)
    origin_ns = facts.origin_ns or 0
    truth = facts.truth
    if truth is not None:
        repeated = compare_repeated(phases.get("same_input"), phases.get("varied_input"))
        truth = replace(truth, repeated=repeated)
    sensors = _sensor_log(subject.sensors, origin_ns)
    measurement = Measurement(
        subject=replace(subject.planned.subject, engine_version=facts.engine_version),
        status=status,
        failure=failure,
        inputs=_inputs(subject.inputs, facts),
        cold_starts=subject.cold_starts,
        load_ns=facts.load_ns,
        first_answer_ns=facts.first_answer_ns,
        origin_ns=origin_ns,
        phases=phases,
        is_settled=facts.is_settled,
        before=facts.before,
        after=facts.after,
        sensors=sensors,
        memory=facts.memory,
        truth=truth,
        own_cost=facts.own_cost,
        energy=energy_by_answer(sensors, phases.get("timed")),
        verdict=_NOT_JUDGED,
        is_rate_kept=facts.is_rate_kept,
    )
    verdict = judge(
        measurement,
        settings=conditions.settings,
        machine=conditions.machine,
        limits=conditions.limits,
    )
    return replace(measurement, verdict=verdict)


def _phases(folder: Path, facts: SubjectFacts) -> dict[str, AnswerSamples]:
    return {
        name: replace(samples, kept_every=facts.kept_every.get(name, 1))
        for name, samples in read_spool(answers_path(folder)).items()
    }


def _sensor_log(recorder: SensorRecorder | None, origin_ns: int) -> SensorLog:
    return (recorder or SensorRecorder()).log(origin_ns)


def _inputs(described: InputSet, facts: SubjectFacts) -> InputSet:
    if described.kind != "random":
        return described
    identities = (
        InputIdentity(f"random {index}", sha256) for index, sha256 in enumerate(facts.random_sha256)
    )
    return InputSet("random", tuple(identities))
