"""One run: every subject planned, measured in a process of its own, and put into one record."""

from __future__ import annotations

import contextlib
import itertools
import logging
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.assemble import RunConditions, Status, SubjectInProgress, assemble_measurement
from benchmarks.board_limits import read_board_limits
from benchmarks.cold_start import error_of, measure_cold_start
from benchmarks.environment import describe_machine
from benchmarks.live_view import NoView, View
from benchmarks.model_inputs import StagedInputs, stage_inputs
from benchmarks.records.measurement import Measurement
from benchmarks.records.record import SCHEMA_VERSION, BenchmarkRecord, RunSettings
from benchmarks.records.record_file import read_record, record_to_json, write_record
from benchmarks.scratch_folder import room_for_temporary_files, scratch_folder
from benchmarks.sensors_log import SensorRecorder
from benchmarks.subject_request import SubjectRequest
from benchmarks.subjects import ModelPlan, PlannedSubject, SubjectChoice, plan_model
from benchmarks.watch_subject import watch_subject
from edge import __version__
from edge.errors import (
    BundleError,
    EdgeError,
    EngineError,
    InputError,
    InputNotFoundError,
    OutputError,
)

__all__ = ["BenchmarkRequest", "keep_record", "run_benchmark", "set_aside_partial"]

_LOGGER = logging.getLogger(__name__)
_PARTIAL_FIRST_S = 2.0
_PARTIAL_EVERY_S = 10.0
_PARTIAL_SHARE = 0.02
"""Of its time that the watching process may spend on it: long records take longer to write."""


@dataclass(frozen=True, slots=True)
class BenchmarkRequest:
    """What to measure, and how.

    Attributes:
        settings: how.
        models: bundles and bare model files; empty for the bundle that comes with edgedx.
        choice: which of their subjects.
        inputs: real inputs; empty for the bundles' golden ones.
        output: where the record will be; what there is of it is kept beside it meanwhile.
        root: where the machine's `proc` and `sys` are.
    """

    settings: RunSettings
    models: tuple[Path, ...] = ()
    choice: SubjectChoice = field(default_factory=SubjectChoice)
    inputs: tuple[Path, ...] = ()
    output: Path | None = None
    root: Path = Path("/")


def run_benchmark(request: BenchmarkRequest, view: View | None = None) -> BenchmarkRecord:
    """Measure.

    SIGINT and SIGTERM end it early: the record then says so and has what was measured.

    Args:
        request: what to measure.
        view: is shown how it goes.

    Raises:
        UsageError: there is nothing real to measure with, or nothing that was asked for.
        EdgeError: a model or an input is refused.
        OutputError: the record could not be written to its place.
    """
    plans = [plan_model(model, request.choice) for model in request.models or (None,)]
    with scratch_folder() as folder, _interruptible():
        run = _Run(request, folder, view or NoView())
        try:
            return run.measure(plans)
        except EdgeError:
            run.give_up()
            raise


class _Run:
    """Keeps the measurements that are done while the next one is made."""

    def __init__(self, request: BenchmarkRequest, folder: Path, view: View) -> None:
        self._request = request
        self._folder = folder
        self._view = view
        self._started_ns = time.time_ns()
        self._conditions = RunConditions(
            request.settings, describe_machine(request.root), read_board_limits(request.root)
        )
        self._done: list[Measurement] = []
        self._left_out: tuple[str, ...] = ()
        self._is_stopped = False
        self._partial_due = 0.0
        self._has_partial = False

    def measure(self, plans: Sequence[ModelPlan]) -> BenchmarkRecord:
        """Measure every subject of every model in turn."""
        self._left_out = tuple(words for plan in plans for words in plan.left_out)
        staged = [self._stage(plan, index) for index, plan in enumerate(plans)]
        total = sum(len(plan.subjects) for plan in plans)
        self._keep_partial()
        for plan, inputs in zip(plans, staged, strict=True):
            for planned in plan.subjects:
                if self._is_stopped:
                    break
                place = f"{len(self._done) + 1}/{total}"
                self._done.append(self._measure_one(plan, planned, inputs, place))
                self._keep_partial()
        self._view.clear()
        return self._record(self._done, is_whole=len(self._done) == total)

    def give_up(self) -> None:
        """Nothing was measured: leave nothing behind."""
        self._view.clear()
        if self._request.output is not None and self._has_partial and not self._done:
            with contextlib.suppress(OSError):
                partial_path(self._request.output).unlink()

    def _stage(self, plan: ModelPlan, index: int) -> StagedInputs:
        folder = self._folder / f"inputs{index}"
        with room_for_temporary_files():
            folder.mkdir()
            return stage_inputs(
                plan,
                folder,
                given=self._request.inputs,
                is_random=self._request.choice.is_random,
            )

    def _measure_one(
        self, plan: ModelPlan, planned: PlannedSubject, inputs: StagedInputs, place: str
    ) -> Measurement:
        folder = self._folder / f"subject{len(self._done)}"
        with room_for_temporary_files():
            folder.mkdir()
        subject = SubjectInProgress(planned, inputs.described, folder)
        asked = SubjectRequest(
            model=str(plan.path.resolve()),
            artifact=planned.artifact,
            engine=planned.subject.engine,
            threads=planned.subject.threads,
            is_engine_only=planned.is_engine_only,
            inputs=tuple(map(str, inputs.files)),
            golden=tuple(map(str, inputs.golden)),
            settings=self._request.settings,
            root=str(self._request.root),
        )
        status, failure = self._watch(asked, subject, place)
        measurement = assemble_measurement(
            subject, self._conditions, status=status, failure=failure
        )
        shutil.rmtree(folder, ignore_errors=True)
        return measurement

    def _watch(
        self, asked: SubjectRequest, subject: SubjectInProgress, place: str
    ) -> tuple[Status, str]:
        def on_start(recorder: SensorRecorder) -> None:
            subject.sensors = recorder
            self._partial_due = time.monotonic() + _PARTIAL_FIRST_S

        def on_tick() -> None:
            self._view.show(subject, place)
            if time.monotonic() >= self._partial_due:
                self._keep_partial(subject)

        try:
            self._start_cold(asked, subject, place)
            outcome = watch_subject(asked, subject.folder, on_start=on_start, on_tick=on_tick)
        except KeyboardInterrupt:
            self._is_stopped = True
            return "interrupted", "interrupted while it was at: cold starts"
        except (EngineError, InputError, BundleError) as error:
            return self._fail(error)
        self._is_stopped = outcome.is_interrupted
        if outcome.is_interrupted:
            return "interrupted", outcome.failure
        if outcome.facts.exit_code == InputError.exit_code:
            return self._fail(error_of(InputError.exit_code, outcome.failure, asked))
        return ("failed", outcome.failure) if outcome.failure else ("complete", "")

    def _fail(self, error: EdgeError) -> tuple[Status, str]:
        """An input that is refused ends the run, unless there is something to lose."""
        if isinstance(error, InputError) and not self._done:
            raise error
        return "failed", str(error)

    def _start_cold(self, asked: SubjectRequest, subject: SubjectInProgress, place: str) -> None:
        """The first process fills the caches and is not counted."""
        wanted = self._request.settings.cold_starts
        for index in range(wanted + 1 if wanted else 0):
            self._view.show(subject, place, f"cold start {index} of {wanted}")
            start = measure_cold_start(asked)
            subject.cold_starts += (start,) if index else ()

    def _record(self, measurements: Sequence[Measurement], *, is_whole: bool) -> BenchmarkRecord:
        return BenchmarkRecord(
            schema="edgedx-benchmark",
            schema_version=SCHEMA_VERSION,
            edgedx=__version__,
            started_ns=self._started_ns,
            is_complete=is_whole and all(each.status == "complete" for each in measurements),
            settings=self._conditions.settings,
            machine=self._conditions.machine,
            limits=self._conditions.limits,
            measurements=tuple(measurements),
            left_out=self._left_out,
        )

    def _keep_partial(self, subject: SubjectInProgress | None = None) -> None:
        """Write what there is beside the record's place, so that SIGKILL does not lose it.

        Raises:
            OutputError: the very first time: better now than when all is measured.
        """
        output = self._request.output
        if output is None:
            return
        is_first = not self._partial_due
        if is_first:
            set_aside_partial(output)
        began = time.monotonic()
        measurements = list(self._done)
        if subject is not None:
            measurements.append(
                assemble_measurement(
                    subject,
                    self._conditions,
                    status="interrupted",
                    failure="it was still going on when this was written",
                )
            )
        try:
            write_record(self._record(measurements, is_whole=False), partial_path(output))
            self._has_partial = True
        except OutputError:
            if is_first:
                raise
        spent = time.monotonic() - began
        self._partial_due = began + max(_PARTIAL_EVERY_S, spent / _PARTIAL_SHARE)


def partial_path(output: Path) -> Path:
    """Where the record is kept until it is complete."""
    return output.with_name(output.name + ".partial")


def set_aside_partial(output: Path) -> Path | None:
    """Keep what an earlier run measured before it was killed: this one would write over it.

    Args:
        output: where the record will be.

    Returns:
        Where it is now; None where there is nothing that was measured.
    """
    partial = partial_path(output)
    try:
        if not any(each.phases for each in read_record(partial).measurements):
            return None
    except InputNotFoundError:
        return None
    except InputError:
        # Another version's, or damaged: it may be worth something to somebody.
        pass
    places = (partial.with_name(f"{partial.name}.{number}") for number in itertools.count(1))
    place = next(each for each in places if not each.exists())
    try:
        partial.rename(place)
    except OSError as error:
        raise OutputError(
            f"cannot keep {partial}, which an earlier run left, as {place.name}: {error.strerror}; "
            "move it away"
        ) from error
    _LOGGER.warning("what an earlier run measured before it was killed is kept in %s", place)
    return place


def keep_record(record: BenchmarkRecord, output: Path) -> None:
    """Write the record to its place; where that fails, elsewhere, so that nothing is lost.

    Raises:
        OutputError: it is not in its place; the message says where it is.
    """
    try:
        write_record(record, output)
    except OutputError as error:
        try:
            with tempfile.NamedTemporaryFile(
                prefix="edge-bench-", suffix=".json", delete=False
            ) as file:
                file.write(record_to_json(record))
        except OSError:
            raise error from None
        raise OutputError(f"{error}; the record is in {file.name}") from error
    with contextlib.suppress(OSError):
        partial_path(output).unlink()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and a terminal that closes end a run as Ctrl-C does.

    A signal that somebody ignores (`nohup`) or handles already is left alone.
    """

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()
    taken = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        if is_main and signal.getsignal(number) == signal.SIG_DFL
    ]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
