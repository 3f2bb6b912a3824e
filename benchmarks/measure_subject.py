"""Measures one subject in a process of its own; started by `benchmarks.watch_subject`.

    python -m benchmarks.measure_subject FOLDER

reads FOLDER/request.json and leaves what it found there; see `benchmarks.subject_request`. It
ends early, keeping what it has, when it is told to (SIGTERM, SIGINT) or when the process that
wanted the answer is gone.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from benchmarks.answer_log import AnswerCheck, AnswerLog, StoppedError
from benchmarks.environment import read_state
from benchmarks.loaded_subject import EngineSubject, PipelineSubject, load_subject
from benchmarks.process_memory import peak_memory_bytes, resident_bytes
from benchmarks.records.measurement import MemoryUse, OwnCost, TruthCheck
from benchmarks.scenarios.base import StopRule, input_order
from benchmarks.scenarios.choose_scenario import choose_scenario
from benchmarks.scenarios.single_stream import SingleStream
from benchmarks.scratch_folder import remove_scratch
from benchmarks.subject_request import (
    SubjectFacts,
    SubjectRequest,
    answers_path,
    read_request,
    write_facts,
)
from benchmarks.timer_cost import measure_loop, measure_timer
from benchmarks.truth import LEAST_ANSWERS, repeat_one_input, replay_golden
from benchmarks.warm_up import WarmUpRule, warm_up
from edge.errors import EdgeError, OutputError

__all__ = ["SubjectMeasurement", "main"]

_NS_PER_S = 1e9
_MOST_KEPT = 200_000
_REPEAT_SHARE = 0.2
_REPEAT_LEAST_NS = 500_000_000


class SubjectMeasurement:
    """The steps of one measurement, in their order; each leaves its facts behind.

    Args:
        folder: see `benchmarks.subject_request`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._request: SubjectRequest = read_request(folder)
        self.facts = SubjectFacts()
        self._log: AnswerLog | None = None
        self._warm_ns = 0.0

    def stop(self, number: int, frame: FrameType | None) -> None:
        """End soon, with what there is: a signal handler."""
        del number, frame
        if self._log is None:
            raise StoppedError
        self._log.must_stop = True

    def run(self) -> None:
        """Measure.

        Raises:
            StoppedError: it was told to end.
            EdgeError: the model or an input is refused, or the engine failed.
            OutputError: the disk is full.
        """
        start_bytes = resident_bytes()
        self.facts.origin_ns = time.monotonic_ns()
        self._begin("loading")
        started = time.monotonic_ns()
        subject = load_subject(self._request)
        self.facts.load_ns = time.monotonic_ns() - started
        self.facts.engine_version = subject.engine_version
        self.facts.random_sha256 = subject.random_sha256
        self._begin("first answer")
        started = time.monotonic_ns()
        subject.first_answer()
        self.facts.first_answer_ns = time.monotonic_ns() - started
        loaded_bytes = resident_bytes()
        self._begin("golden answers")
        check = AnswerCheck(subject.expected(), seed=self._request.settings.seed)
        steps_before, same_tensors = self._replay(subject)
        self._log = log = AnswerLog(
            subject.answerer,
            origin_ns=self.facts.origin_ns,
            spool=answers_path(self._folder),
            check=check,
        )
        self._take_answers(log, subject)
        self.facts.memory = MemoryUse(
            start_bytes, loaded_bytes, resident_bytes(), peak_memory_bytes()
        )
        self._begin("repeated input")
        self._repeat(log, subject)
        self._begin("golden answers")
        steps_after, _ = self._replay(subject)
        self._conclude(subject, check, (steps_before, steps_after), same_tensors=same_tensors)

    def end(self, failure: str, *, exit_code: int = 0, is_stopped: bool = False) -> None:
        """Keep what there is, and why there is no more."""
        self.facts.failure = failure
        self.facts.exit_code = exit_code
        self.facts.is_stopped = is_stopped
        if self._log is not None:
            with contextlib.suppress(OutputError):
                self._log.flush()
        try:
            write_facts(self._folder, self.facts)
        except OutputError:
            # Not even that much room is left; the last words go where they can be heard.
            sys.stderr.write(f"{failure}\n")
            sys.exit(OutputError.exit_code)

    def _begin(self, step: str) -> None:
        self.facts.step = step
        write_facts(self._folder, self.facts)

    def _take_answers(self, log: AnswerLog, subject: PipelineSubject | EngineSubject) -> None:
        settings = self._request.settings
        inputs = subject.answerer.input_count
        order: Iterator[int] = input_order(inputs, settings.seed)
        self._begin("warm-up")
        log.begin("warm_up")
        rule = WarmUpRule()
        calls_ns = warm_up(log, order, inputs, rule)
        self.facts.is_settled = rule.state(calls_ns, inputs) == "settled"
        warm_ns = statistics.median(calls_ns[-rule.window(len(calls_ns), inputs) :])
        self._warm_ns = warm_ns
        expected = max(settings.min_duration_s * _NS_PER_S / warm_ns, settings.min_queries)
        keep_every = self._thin("timed", expected)
        self._begin("timed")
        self.facts.before = read_state(Path(self._request.root))
        log.begin("timed", keep_every=keep_every, is_one_query=settings.scenario == "offline")
        self.facts.is_rate_kept = choose_scenario(settings, warm_ns=warm_ns).run(
            log, order, StopRule(round(settings.min_duration_s * _NS_PER_S), settings.min_queries)
        )
        if settings.sustained_s:
            keep_every = self._thin("sustained", settings.sustained_s * _NS_PER_S / warm_ns)
            self._begin("sustained")
            log.begin("sustained", keep_every=keep_every)
            SingleStream().run(log, order, StopRule(round(settings.sustained_s * _NS_PER_S), 1))
        log.flush()
        self.facts.after = read_state(Path(self._request.root))

    def _thin(self, phase: str, expected: float) -> int:
        """How many queries of a phase stand for one that is kept, so that a record stays small."""
        every = math.ceil(expected / _MOST_KEPT)
        if every > 1:
            self.facts.kept_every[phase] = every
        return every

    def _repeat(self, log: AnswerLog, subject: PipelineSubject | EngineSubject) -> None:
        settings = self._request.settings
        duration_ns = round(settings.min_duration_s * _NS_PER_S)
        budget_ns = max(_REPEAT_LEAST_NS, round(duration_ns * _REPEAT_SHARE))
        if LEAST_ANSWERS * self._warm_ns > max(duration_ns, budget_ns):
            return
        repeat_one_input(log, subject.answerer.input_count, settings.seed, budget_ns)
        log.flush()

    def _replay(self, subject: PipelineSubject | EngineSubject) -> tuple[float, bool]:
        if isinstance(subject, EngineSubject):
            return 0.0, True
        return replay_golden(subject.model, [Path(path) for path in self._request.golden])

    def _conclude(
        self,
        subject: PipelineSubject | EngineSubject,
        check: AnswerCheck,
        steps: tuple[float, float],
        *,
        same_tensors: bool,
    ) -> None:
        tolerance = (
            subject.model.parts.artifact.tolerance_steps
            if isinstance(subject, PipelineSubject)
            else None
        )
        self.facts.truth = TruthCheck(
            golden_inputs=len(self._request.golden) if tolerance is not None else 0,
            steps_before=steps[0],
            steps_after=steps[1],
            tolerance_steps=tolerance or 0,
            same_tensors=same_tensors,
            checked_answers=check.checked["timed"],
            checked_sustained=check.checked["sustained"],
            wrong_answers=check.wrong,
            repeated=None,
        )
        self._begin("own cost")
        timer, loop = measure_timer(), measure_loop()
        self.facts.own_cost = OwnCost(
            timer_overhead_ns=timer.overhead_ns,
            timer_resolution_ns=timer.resolution_ns,
            loop_floor_ns=loop.call_ns,
            bookkeeping_ns=loop.bookkeeping_ns,
            pipeline_floor_ns=subject.floor_ns(),
        )
        subject.close()
        self.facts.is_complete = True
        self._begin("done")


def main() -> None:
    """Measure; leave in `facts.json` why it ended early, where it did."""
    folder = Path(sys.argv[1])
    parent = os.getppid()
    measurement = SubjectMeasurement(folder)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, measurement.stop)
    try:
        measurement.run()
    except StoppedError:
        measurement.end("it was stopped", is_stopped=True)
    except (EdgeError, OSError, MemoryError) as error:
        code = error.exit_code if isinstance(error, EdgeError) else EdgeError.exit_code
        measurement.end(str(error) or "out of memory", exit_code=code)
    if os.getppid() != parent:
        # Nobody is left who would clear up; what was worth keeping is in the partial record.
        remove_scratch(folder)


if __name__ == "__main__":
    main()
