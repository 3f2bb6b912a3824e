"""Answers as they come: timed, a sample of them checked, every row spooled to a file.

The file outlives the process: what was measured before somebody killed it is still there. It
also keeps the process's memory flat, so that a leak of the model is seen.
"""

from __future__ import annotations

import os
import random
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.answerers import Answerer
from benchmarks.records.measurement import COLUMNS, PHASES, AnswerSamples
from benchmarks.records.sample_column import SampleColumn
from edge.errors import OutputError

__all__ = [
    "CHECKED_PHASES",
    "AnswerCheck",
    "AnswerLog",
    "StoppedError",
    "read_recent_calls",
    "read_spool",
]

_ROW: Final = len(COLUMNS) + 1
_ROW_BYTES: Final = 8 * _ROW
_FLUSH_NS = 1_000_000_000
# The kernel wakes a sleeper late; the last stretch before a moment is waited for awake.
_AWAKE_NS = 2_000_000
_LONGEST_SLEEP_S = 0.2


CHECKED_PHASES: Final = ("timed", "sustained")
"""In which a sample of the answers is checked."""


class StoppedError(Exception):
    """The measurement must end now, with what it has."""


@dataclass(slots=True)
class AnswerCheck:
    """A seeded sample of timed answers held against those given before.

    MLPerf Inference's compliance test TEST01 logs a random sample of the outputs of a timed run
    and compares them with the accuracy run's: a system must not answer otherwise when timed.

    Attributes:
        expected: the answer for each input, given before timing began.
        seed: of the choice.
        share: of the answers that are checked, 0..1; the first `always` are.
        checked: how many were, by phase.
        wrong: how many of them differ.
    """

    expected: Sequence[Any]
    seed: int = 1
    share: float = 0.1
    always: int = 16
    checked: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    _generator: random.Random | None = None

    def look_at(self, answerer: Answerer, index: int, answer: Any, phase: str = "timed") -> None:
        """Check the answer, if the dice say so; its time is over by then."""
        if self._generator is None:
            self._generator = random.Random(f"checked answers {self.seed}")  # noqa: S311 - a sample
        if self.checked.total() < self.always or self._generator.random() < self.share:
            self.checked[phase] += 1
            self.wrong += not answerer.is_same(answer, self.expected[index])


class AnswerLog:
    """The loop in which answers are taken; see `benchmarks.scenarios.base.QueryLoop`.

    Args:
        answerer: gives the answers.
        origin_ns: `time.monotonic_ns()` to which times are relative.
        spool: file that rows are appended to; None keeps them in memory alone.
        check: what is held against what in `CHECKED_PHASES`; None for nothing.
    """

    def __init__(
        self,
        answerer: Answerer,
        *,
        origin_ns: int,
        spool: Path | None = None,
        check: AnswerCheck | None = None,
    ) -> None:
        self._answerer = answerer
        self._origin_ns = origin_ns
        self._spool = spool
        self._given_check = check
        self._check: AnswerCheck | None = None
        self._phase = self._taken = 0
        self._keep_every = 1
        self._is_one_query = False
        self._rows = array("q")
        self._flushed_ns = time.monotonic_ns()
        self._parent = os.getppid()
        self.must_stop = False

    def begin(self, phase: str, *, keep_every: int = 1, is_one_query: bool = False) -> None:
        """Book what comes under one of `PHASES`.

        Args:
            phase: its name.
            keep_every: keep the rows of one query of so many.
            is_one_query: all answers are of one query: keep one answer of so many.
        """
        self._phase = PHASES.index(phase)
        self._check = self._given_check if phase in CHECKED_PHASES else None
        self._keep_every = keep_every
        self._is_one_query = is_one_query
        self._taken = 0

    def now_ns(self) -> int:
        """Nanoseconds of the steady clock."""
        return time.monotonic_ns()

    def wait_until(self, moment_ns: int) -> None:
        """Sleep until shortly before a moment, then wait awake, so as not to miss it."""
        while (left := moment_ns - time.monotonic_ns()) > 0:
            self._stop_if_asked()
            if left > _AWAKE_NS:
                # A signal does not end a sleep (PEP 475), so none may be long.
                time.sleep(min((left - _AWAKE_NS) / 1e9, _LONGEST_SLEEP_S))

    def take(self, query: int, index: int, issued_ns: int | None = None) -> int:
        """Answer for an input now; see `QueryLoop.take`.

        Raises:
            StoppedError: somebody asked for the end, or the process that wanted the answer is gone.
        """
        answer_for = self._answerer.answer
        clock = time.monotonic_ns
        started = clock()
        answer = answer_for(index)
        ended = clock()
        call = ended - started
        stages = self._answerer.stages_ns(answer, call)
        origin = self._origin_ns
        issued = started if issued_ns is None else issued_ns
        if (self._taken if self._is_one_query else query) % self._keep_every == 0:
            self._rows.extend(
                (self._phase, query, index, issued - origin, started - origin, *stages, call)
            )
        self._taken += 1
        if self._check is not None:
            self._check.look_at(self._answerer, index, answer, PHASES[self._phase])
        if ended - self._flushed_ns > _FLUSH_NS:
            self.flush()
            self._stop_if_asked()
        elif self.must_stop:
            raise StoppedError
        return ended

    def flush(self) -> None:
        """Append what came since the last time to the spool.

        Raises:
            OutputError: the disk is full.
        """
        self._flushed_ns = time.monotonic_ns()
        if self._spool is None:
            return
        try:
            with self._spool.open("ab") as file:
                file.write(self._rows.tobytes())
        except OSError as error:
            raise OutputError(
                f"cannot keep answers in {self._spool.parent}: {error.strerror}; free the disk, "
                "or set TMPDIR to another place",
            ) from error
        del self._rows[:]

    def samples(self) -> dict[str, AnswerSamples]:
        """What is in memory, by phase; all of it where there is no spool."""
        return _by_phase(np.frombuffer(self._rows.tobytes(), np.int64))

    def _stop_if_asked(self) -> None:
        if self.must_stop or os.getppid() != self._parent:
            raise StoppedError


def read_spool(path: Path) -> dict[str, AnswerSamples]:
    """What a spool holds, by phase; a row that was cut off is left out."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    whole = len(data) // _ROW_BYTES * _ROW_BYTES
    return _by_phase(np.frombuffer(data[:whole], np.int64))


def _by_phase(numbers: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, AnswerSamples]:
    rows = numbers.reshape(-1, _ROW)
    found = {}
    for index, phase in enumerate(PHASES):
        chosen = rows[rows[:, 0] == index, 1:]
        if chosen.size:
            found[phase] = AnswerSamples(
                {
                    name: SampleColumn.from_values(chosen[:, column])
                    for column, name in enumerate(COLUMNS)
                }
            )
    return found


def read_recent_calls(path: Path, count: int) -> list[int]:
    """The latest calls in a spool, in nanoseconds, at most so many; for a live view."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END) // _ROW_BYTES * _ROW_BYTES
            file.seek(max(0, size - count * _ROW_BYTES))
            data = file.read(min(size, count * _ROW_BYTES))
    except OSError:
        return []
    return [int(each) for each in np.frombuffer(data, np.int64).reshape(-1, _ROW)[:, -1]]
