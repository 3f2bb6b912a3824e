"""Does edge-bench measure what onnxruntime says of itself, and what a bare loop measures?

    python -m benchmarks.peers.agreement -o benchmarks/results/agreement.json [BUNDLE|FILE.onnx ...]

writes the record and, beside it, a table in Markdown. Two questions, each with the same model on
the same inputs in one process, block by block in turn:

- edge-bench's own loop (`benchmarks.answer_log`) around the runtime, its `infer` stage, beside a
  loop of `InferenceSession.run` between two readings of the clock, on the very same session: once
  with each input prepared before it as the runtime does, once with all prepared beforehand. The
  second shows what preparing takes from the caches, which is the model's cost in use and not the
  stopwatch's;
- the same loop around a session that onnxruntime profiles, beside the `model_run` events that
  its profiler wrote of the very same runs. (Beside a session without a profiler it would be the
  profiler's own cost that one sees: it writes an event for every node.)

Each round gives one ratio of medians.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import click
import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.answer_log import AnswerLog
from benchmarks.answerers import Answerer
from benchmarks.atomic_file import write_file
from benchmarks.environment import Machine, MachineState, describe_machine, others_share, read_state
from benchmarks.loaded_subject import EngineSubject, PipelineSubject, load_subject
from benchmarks.model_inputs import stage_inputs
from benchmarks.peers.ratios import Ratio, ratio_of_pairs
from benchmarks.records.record import RunSettings
from benchmarks.subject_request import SubjectRequest
from benchmarks.subjects import ModelPlan, PlannedSubject, SubjectChoice, plan_model
from edge.command_line import run_command
from edge.engines.base import Engine
from edge.engines.x86_integers import has_exact_products

__all__ = ["AgreementRecord", "ModelAgreement", "compare_model", "main"]

BAR: Final = 0.02
_SETTINGS: Final = RunSettings("single-stream", 1.0, 1, 0.0, 1, 0, 1, None, None, None)
"""Only the seed is used, for random tensors where a model has no golden inputs."""


@dataclass(frozen=True, slots=True)
class ModelAgreement:
    """One model, measured three ways.

    Attributes:
        name: of the bundle or file.
        artifact: the ONNX file.
        inputs: "golden", or "random" for a file that does not say how it is fed.
        threads: inside one inference.
        answers: of each way.
        edge_bench_ns: median `infer` of edge-bench's loop, by round.
        bare_loop_ns: median of the bare loop that prepares each input, by round.
        hot_loop_ns: median of the bare loop that does nothing between two runs, by round.
        profiled_ns: median `infer` of edge-bench's loop around the profiled session, by round.
        profile_ns: median of the profiler's `model_run` of the same runs, by round.
        to_bare_loop: edge-bench by the bare loop that prepares each input.
        to_hot_loop: edge-bench by the bare loop that does nothing between.
        to_profile: edge-bench by profiler.
    """

    name: str
    artifact: str
    inputs: str
    threads: int
    answers: int
    edge_bench_ns: tuple[float, ...]
    bare_loop_ns: tuple[float, ...]
    hot_loop_ns: tuple[float, ...]
    profiled_ns: tuple[float, ...]
    profile_ns: tuple[float, ...]
    to_bare_loop: Ratio
    to_hot_loop: Ratio
    to_profile: Ratio


@dataclass(frozen=True, slots=True)
class AgreementRecord:
    """Every model, and the machine."""

    schema: Literal["edgedx-agreement"]
    schema_version: Literal[1]
    command: str
    machine: Machine
    before: MachineState
    after: MachineState
    models: tuple[ModelAgreement, ...]


def compare_model(model: Path | None, *, threads: int, rounds: int, block: int) -> ModelAgreement:
    """Measure the int8 (or only) ONNX file of a model three ways.

    Args:
        model: a bundle or an .onnx file; None for the bundle that comes with edgedx.
        threads: inside one inference.
        rounds: how many ratios.
        block: answers of each way in a round.

    Raises:
        EdgeError: the model is refused.
    """
    plan = plan_model(model, SubjectChoice(engines=("onnxruntime",), threads=(threads,)))
    planned = plan.subjects[0]
    with tempfile.TemporaryDirectory(prefix="agreement-") as folder:
        subject = load_subject(_request(plan, planned, Path(folder)))
        edge_bench, bare, hot = _beside_bare_loops(subject, rounds, block)
        profiled, profile = _beside_profiler(
            subject, _profiled_session(plan, planned, Path(folder)), rounds, block
        )
        subject.close()
    return ModelAgreement(
        name=planned.subject.name,
        artifact=planned.subject.artifact,
        inputs="random" if planned.is_engine_only else "golden",
        threads=threads,
        answers=rounds * block,
        edge_bench_ns=tuple(edge_bench),
        bare_loop_ns=tuple(bare),
        hot_loop_ns=tuple(hot),
        profiled_ns=tuple(profiled),
        profile_ns=tuple(profile),
        to_bare_loop=ratio_of_pairs(edge_bench, bare),
        to_hot_loop=ratio_of_pairs(edge_bench, hot),
        to_profile=ratio_of_pairs(profiled, profile),
    )


def _beside_bare_loops(
    subject: PipelineSubject | EngineSubject, rounds: int, block: int
) -> tuple[list[float], list[float], list[float]]:
    # The very session that edge-bench times: another one would lie elsewhere in memory.
    session: Any = subject.engine._session  # type: ignore[attr-defined]  # noqa: SLF001
    prepare = subject.feeder()
    prepared = [dict(prepare(index)) for index in range(subject.answerer.input_count)]
    ways: tuple[Callable[[], list[float]], ...] = (
        lambda: _edge_bench(subject.answerer, block),
        lambda: _bare_loop(session, prepare, len(prepared), block),
        lambda: _bare_loop(session, prepared.__getitem__, len(prepared), block),
    )
    found: tuple[list[float], list[float], list[float]] = ([], [], [])
    # The first round warms all up.
    for number in range(-1, rounds):
        for place in range(len(ways)):
            index = (number + place) % len(ways)
            times = ways[index]()
            if number >= 0:
                found[index].append(float(np.median(times)))
    return found


def _beside_profiler(
    subject: PipelineSubject | EngineSubject, session: Any, rounds: int, block: int
) -> tuple[list[float], list[float]]:
    answerer = subject.answerer_around(_ProfiledEngine(subject.engine, session))
    _edge_bench(answerer, block)
    profiled = [_edge_bench(answerer, block) for _ in range(rounds)]
    path = Path(session.end_profiling())
    events = json.loads(path.read_text(encoding="utf-8"))
    # In microseconds, of the Chrome trace format.
    runs = [1e3 * each["dur"] for each in events if each.get("name") == "model_run"][block:]
    return (
        [float(np.median(times)) for times in profiled],
        [float(np.median(runs[start : start + block])) for start in range(0, len(runs), block)],
    )


def _edge_bench(answerer: Answerer, block: int) -> list[float]:
    log = AnswerLog(answerer, origin_ns=time.monotonic_ns())
    for query in range(block):
        log.take(query, query % answerer.input_count)
    return [float(each) for each in log.samples()["warm_up"].values("infer")]


def _bare_loop(
    session: Any,
    feed_of: Callable[[int], Mapping[str, NDArray[Any]]],
    inputs: int,
    block: int,
) -> list[float]:
    names = [each.name for each in session.get_outputs()]
    times = []
    for index in range(block):
        feed = feed_of(index % inputs)
        start = time.perf_counter_ns()
        session.run(names, feed)
        times.append(float(time.perf_counter_ns() - start))
    return times


class _ProfiledEngine:
    """What the runtime's onnxruntime engine does, around a session that is profiled.

    Args:
        engine: the runtime's own, of the same model.
        session: profiled.
    """

    def __init__(self, engine: Engine, session: Any) -> None:
        self.name, self.version = engine.name, engine.version
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self._session = session
        self._names = [each.name for each in engine.outputs]

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See `Engine.run`."""
        return dict(zip(self._names, self._session.run(self._names, tensors), strict=True))

    def close(self) -> None:
        """The session ends with its profile."""


def _request(plan: ModelPlan, planned: PlannedSubject, folder: Path) -> SubjectRequest:
    staged = stage_inputs(plan, folder, given=(), is_random=planned.is_engine_only)
    return SubjectRequest(
        model=str(plan.path),
        artifact=planned.artifact,
        engine="onnxruntime",
        threads=planned.subject.threads,
        is_engine_only=planned.is_engine_only,
        inputs=tuple(map(str, staged.files)),
        golden=tuple(map(str, staged.golden)),
        settings=_SETTINGS,
    )


def _profiled_session(plan: ModelPlan, planned: PlannedSubject, folder: Path) -> Any:
    """A session with the runtime's own settings that writes a profile."""
    import onnxruntime

    from edge.bundle.reader import open_bundle

    if plan.is_bundle:
        with open_bundle(plan.path) as bundle:
            data = bytes(bundle.read(planned.artifact))
    else:
        data = plan.path.read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = planned.subject.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not has_exact_products():
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def format_table(record: AgreementRecord) -> str:
    """The record as Markdown."""
    share = others_share(record.before, record.after, record.machine.processors)
    others = "" if share is None else f" Other programs took {share:.0%} of its processors."
    lines = [
        "# edge-bench beside onnxruntime's profiler and a bare loop",
        "",
        (
            f"`{record.command}` on {record.machine.processor or record.machine.architecture}, "
            f"{record.machine.processors} processors, onnxruntime "
            f"{record.machine.packages.get('onnxruntime', '?')}.{others} Ratios of medians "
            f"[95 % interval] over rounds in turn; the bar is within {BAR:.0%} of the bare loop "
            "that prepares each input as the runtime does, and of the profiler's `model_run`. The "
            "hot loop does nothing between two runs. The profiler does not see Python's call into "
            "the library, which anyone who calls it from Python pays."
        ),
        "",
        "| model | threads | infer, ms | by bare loop | by profiler | bar | by hot bare loop |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.name} ({each.inputs} inputs) | {each.threads} | "
        f"{np.median(each.edge_bench_ns) / 1e6:.3g} | {_shown(each.to_bare_loop)} | "
        f"{_shown(each.to_profile)} | {'met' if _meets_bar(each) else 'missed'} | "
        f"{_shown(each.to_hot_loop)} |"
        for each in record.models
    ]
    return "\n".join(lines) + "\n"


def _meets_bar(model: ModelAgreement) -> bool:
    return all(abs(ratio.median - 1) <= BAR for ratio in (model.to_bare_loop, model.to_profile))


def _shown(ratio: Ratio) -> str:
    return f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


@click.command()
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(min=2), default=100, show_default=True)
@click.option("--block", type=click.IntRange(min=5), default=10, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--debug", is_flag=True)
def agreement_command(
    models: tuple[Path, ...], threads: int, rounds: int, block: int, output: Path, *, debug: bool
) -> int:
    """Compare edge-bench's figures with the profiler's and a bare loop's.

    The exit code is 1 where a model misses the bar.
    """
    del debug
    machine, before = describe_machine(), read_state()
    found = tuple(
        compare_model(model, threads=threads, rounds=rounds, block=block)
        for model in models or (None,)
    )
    names = " ".join(["-o", output.name, *(model.name for model in models)])
    record = AgreementRecord(
        schema="edgedx-agreement",
        schema_version=1,
        command=f"python -m benchmarks.peers.agreement {names} --threads {threads}",
        machine=machine,
        before=before,
        after=read_state(),
        models=found,
    )
    write_file(output, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    table = format_table(record)
    write_file(output.with_suffix(".md"), table.encode())
    click.echo(table, nl=False)
    return int(not all(map(_meets_bar, found)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `python -m benchmarks.peers.agreement`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    run_command(agreement_command, words, name="agreement")


if __name__ == "__main__":
    main()
