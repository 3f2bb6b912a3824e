"""One model at one number of threads: contestants loaded, judged by their answers, and timed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import describe_machine, others_share, read_state
from benchmarks.peers.engines.alternation import (
    Burst,
    Taken,
    WorkerProcess,
    alternate,
    worker_command,
)
from benchmarks.peers.engines.contestants import Contestant
from benchmarks.peers.engines.record import Entry, Heat
from benchmarks.peers.quantizers.bar_model import BarModelFolder
from benchmarks.peers.quantizers.quality import measure_quality
from edge.errors import EngineError

__all__ = ["Candidate", "HeatPlan", "float_input_names", "run_heat", "write_inputs"]

_WORKERS = "benchmarks.peers.engines.workers"
_LOADING_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contestant ready to start.

    Attributes:
        contestant: who.
        python: that runs it.
        file: that it runs.
        fault: why it cannot start; None where it can.
        module: its worker.
    """

    contestant: Contestant
    python: Path
    file: Path
    fault: str | None = None
    module: str = ""

    @property
    def worker(self) -> str:
        """The module to start."""
        return self.module or f"{_WORKERS}.{self.contestant.worker}"


@dataclass(frozen=True, slots=True)
class HeatPlan:
    """How a heat is run.

    Attributes:
        threads: inside one inference.
        rounds: that count.
        burst: of each turn.
        examples: how many of the test examples are answered and timed.
        seed: of the order of turns.
    """

    threads: int
    rounds: int
    burst: Burst
    examples: int
    seed: int


def float_input_names(model: Path) -> list[str]:
    """Names of an ONNX model's inputs, in order."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return [each.name for each in session.get_inputs()]


def write_inputs(model: BarModelFolder, path: Path, examples: int) -> None:
    """Write the first test examples, the inputs in the float model's order."""
    names = float_input_names(model.path / "model.onnx")
    first = {name: model.test[name][:examples] for name in names}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, **first)  # type: ignore[arg-type]  # its keywords are the arrays' names


def run_heat(
    model: BarModelFolder,
    candidates: tuple[Candidate, ...],
    plan: HeatPlan,
    scratch: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> Heat:
    """Load every candidate, hold its answers against the float model's, and let them take turns.

    Args:
        model: with its examples and float answers.
        candidates: who could take part; those with a fault are recorded with it.
        plan: threads, rounds, bursts.
        scratch: folder for inputs, answers and what engines print.
        progress: told in a line what happens.

    Returns:
        The heat; an engine's failure is a fault of its entry, not an error.
    """
    inputs = scratch / "inputs.npz"
    write_inputs(model, inputs, plan.examples)
    before = read_state()
    entries = {each.contestant.key: _entry(each, plan.threads) for each in candidates}
    workers: dict[str, WorkerProcess] = {}
    try:
        for each in candidates:
            if each.fault is None:
                key = each.contestant.key
                progress(f"{model.facts.name}, {plan.threads} threads: loading {key}")
                entries[key] = _load(each, entries[key], (model, inputs, plan), workers)
        taken, faults = alternate(
            workers,
            rounds=plan.rounds,
            burst=plan.burst,
            seed=plan.seed,
            progress=lambda turn: progress(f"{model.facts.name}: round {turn} of {plan.rounds}"),
        )
    finally:
        for worker in workers.values():
            worker.close()
    return Heat(
        model=model.facts.name,
        family=model.facts.family,
        sha256=model.facts.sha256,
        threads=plan.threads,
        seed=plan.seed,
        others_share=others_share(before, read_state(), describe_machine().processors),
        load_1min=before.load_1min,
        entries=tuple(_timed(each, taken, faults) for each in entries.values()),
    )


def _entry(candidate: Candidate, threads: int) -> Entry:
    who = candidate.contestant
    entry = Entry(who.key, who.name, who.precision, who.is_ours, threads, fault=candidate.fault)
    if candidate.fault is not None:
        return entry
    data = candidate.file.read_bytes()
    weights = candidate.file.with_suffix(".bin")
    size = len(data) + (weights.stat().st_size if weights.is_file() else 0)
    return replace(entry, sha256=hashlib.sha256(data).hexdigest(), file_bytes=size)


def _load(
    candidate: Candidate,
    entry: Entry,
    heat: tuple[BarModelFolder, Path, HeatPlan],
    workers: dict[str, WorkerProcess],
) -> Entry:
    model, inputs, plan = heat
    name = entry.key.replace(" ", "-").replace(",", "")
    answers = inputs.with_name(f"{name}.npz")
    command = worker_command(
        candidate.python,
        candidate.worker,
        model=candidate.file,
        inputs=inputs,
        answers=answers,
        outputs=",".join(model.outputs),
        threads=plan.threads,
        options=json.dumps(dict(candidate.contestant.options)),
    )
    try:
        worker = WorkerProcess(command, inputs.with_name(f"{name}.log"), _LOADING_LIMIT_S)
    except EngineError as error:
        return replace(entry, fault=str(error))
    workers[entry.key] = worker
    expected = {each: values[: plan.examples] for each, values in model.expected.items()}
    return replace(
        entry,
        version=worker.version,
        quality=measure_quality(expected, _answers(answers)),
    )


def _answers(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _timed(entry: Entry, taken: Mapping[str, list[Taken]], faults: Mapping[str, str]) -> Entry:
    rounds = taken.get(entry.key, [])
    return replace(
        entry,
        fault=faults.get(entry.key, entry.fault),
        rounds_ns=[each.wall_ns for each in rounds],
        rounds_processor_ns=[each.processor_ns for each in rounds],
    )
