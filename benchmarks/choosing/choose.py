"""Try everything a bundle can run as on this machine, and keep the fastest that answers right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.atomic_file import write_file
from benchmarks.live_view import View
from benchmarks.records.measurement import Measurement, Subject
from benchmarks.records.record import BenchmarkRecord, RunSettings
from benchmarks.run import BenchmarkRequest, run_benchmark
from benchmarks.subjects import SubjectChoice
from devices.detect import detect_board
from edge.errors import GateError, OutputError
from edge.stored_choice import Choice, ChoiceBook, choice_conditions, choice_to_json

__all__ = ["Candidate", "choose", "judge_candidates", "store_choice"]

ROUNDS = 2
"""Each candidate is measured so often, in turn: a slow minute hits them all alike."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run the model.

    Attributes:
        subject: file, engine and threads.
        median_ns: of a whole answer, the best of the rounds; 0 where it did not run.
        fault: why it cannot be chosen, "" where it can.
    """

    subject: Subject
    median_ns: int
    fault: str


def choose(
    model: Path | None, *, threads: Sequence[int], seconds: float, view: View | None = None
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Measure every file of a bundle on its engine, with each number of threads.

    Args:
        model: a bundle; None for the one that comes with edgedx.
        threads: inside one inference.
        seconds: to measure each candidate for, in each round.
        view: is shown how it goes.

    Returns:
        The candidates, the fastest that can be chosen first, and what disturbed the measurement.

    Raises:
        EdgeError: the bundle is refused, or an engine for it is missing.
        GateError: the processor is emulated: nothing measured on it says anything.
    """
    settings = RunSettings(
        scenario="single-stream",
        min_duration_s=seconds,
        min_queries=64,
        sustained_s=0.0,
        seed=1,
        cold_starts=0,
        samples_per_query=1,
        rate_hz=None,
        latency_bound_ns=None,
        governor=None,
    )
    request = BenchmarkRequest(
        settings=settings,
        models=() if model is None else (model,),
        choice=SubjectChoice(threads=tuple(threads)),
    )
    records = [_run_round(request, view) for _ in range(ROUNDS)]
    if records[0].machine.is_emulated:
        raise GateError(
            f"{records[0].machine.architecture} is emulated here: no time on it says what is fast; "
            "run edge-bench choose on the board"
        )
    return judge_candidates(records), _disturbances(records)


def _run_round(request: BenchmarkRequest, view: View | None) -> BenchmarkRecord:
    """One round; an interrupted one ends the choice, with nothing stored."""
    record = run_benchmark(request, view)
    if any(each.status == "interrupted" for each in record.measurements):
        raise KeyboardInterrupt
    return record


def judge_candidates(records: Sequence[BenchmarkRecord]) -> tuple[Candidate, ...]:
    """Put candidates in order: those that can be chosen by their median, then the others.

    Args:
        records: one a round, the same subjects in each.
    """
    rounds = zip(*(each.measurements for each in records), strict=True)
    candidates = [_judge(measurements) for measurements in rounds]
    return tuple(sorted(candidates, key=lambda each: (each.fault != "", each.median_ns)))


def _judge(measurements: Sequence[Measurement]) -> Candidate:
    fault = next((found for each in measurements if (found := _fault(each))), "")
    medians = [
        float(np.median(timed.query_latencies_ns()))
        for each in measurements
        if (timed := each.phases.get("timed")) is not None and timed.count
    ]
    return Candidate(measurements[0].subject, round(min(medians, default=0.0)), fault)


def _fault(measurement: Measurement) -> str:
    """Why its answers are not those of the lab, or cannot be told to be."""
    truth = measurement.truth
    if measurement.status != "complete" or truth is None:
        return measurement.failure or "it was not measured to its end"
    if not truth.golden_inputs:
        return "the bundle has no golden examples to hold its answers to"
    if not truth.same_tensors:
        return "preprocessing makes another tensor than in the lab"
    steps = max(truth.steps_before, truth.steps_after)
    if not steps <= truth.tolerance_steps:
        return (
            f"golden answers are {steps:g} output steps from the lab's, "
            f"{truth.tolerance_steps} are allowed"
        )
    if truth.wrong_answers:
        return f"{truth.wrong_answers} of {truth.checked_answers} answers changed while timed"
    return ""


def _disturbances(records: Sequence[BenchmarkRecord]) -> tuple[str, ...]:
    found = (
        reason
        for record in records
        for measurement in record.measurements
        for reason in measurement.verdict.reasons
    )
    return tuple(dict.fromkeys(found))


def store_choice(candidate: Candidate, folder: Path, root: Path = Path("/")) -> Path:
    """Keep a choice for `edge-run`.

    Args:
        candidate: that can be chosen.
        folder: `edge.stored_choice.choices_folder()`.
        root: where the machine's `proc` and `sys` are.

    Returns:
        The file.

    Raises:
        OutputError: it cannot be written.
    """
    board = detect_board(root).identity
    subject = candidate.subject
    choice = Choice(
        schema_version=1,
        digest=subject.digest,
        artifact=subject.artifact,
        engine=subject.engine,
        precision=subject.precision,
        threads=subject.threads,
        median_ns=candidate.median_ns,
        conditions=choice_conditions(board),
    )
    path = ChoiceBook(folder, board).path(subject.digest)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make {folder}: {error.strerror}; name another in EDGEDX_STATE_DIR"
        ) from error
    write_file(path, choice_to_json(choice))
    return path
