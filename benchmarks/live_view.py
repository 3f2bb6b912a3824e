"""What a person sees on a terminal while it is measured: one line that is written anew."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from typing import Protocol, TextIO

from benchmarks.answer_log import read_recent_calls
from benchmarks.assemble import SubjectInProgress
from benchmarks.subject_request import answers_path, read_facts

__all__ = ["LiveView", "NoView", "View", "make_view"]

_BARS = "▁▂▃▄▅▆▇█"
_RECENT = 400
_CELLS = 24


class View(Protocol):
    """Is told what is being measured."""

    def show(self, subject: SubjectInProgress, place: str, step: str = "") -> None:
        """Show how a subject stands.

        Args:
            subject: what is measured.
            place: which of how many it is, "2/4".
            step: what is being done; "" where the measuring process says it itself.
        """
        ...

    def clear(self) -> None:
        """Leave nothing behind."""
        ...


class NoView:
    """Shows nothing: the standard error is no terminal."""

    def show(self, subject: SubjectInProgress, place: str, step: str = "") -> None:
        """See `View.show`."""

    def clear(self) -> None:
        """See `View.clear`."""


class LiveView:
    """One line: which subject, which step, how many answers, their median and their course.

    Args:
        stream: a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began: tuple[str, float] = ("", 0.0)

    def show(self, subject: SubjectInProgress, place: str, step: str = "") -> None:
        """See `View.show`."""
        path = answers_path(subject.folder)
        doing = step or read_facts(subject.folder).step
        if self._began[0] != place + doing:
            self._began = (place + doing, time.monotonic())
        what = subject.planned.subject
        parts = [
            f"[{place}] {what.precision} · {what.engine} · threads {what.threads}",
            f"{doing} {time.monotonic() - self._began[1]:.0f} s",
        ]
        calls = [] if step else read_recent_calls(path, _RECENT)
        if calls:
            parts.append(f"p50 {statistics.median(calls) / 1e6:.3g} ms {_course(calls)}")
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r" + "  ".join(parts)[:width] + "\033[K")
        self._stream.flush()

    def clear(self) -> None:
        """See `View.clear`."""
        self._stream.write("\r\033[K")
        self._stream.flush()


def make_view(stream: TextIO | None = None) -> View:
    """A live view where the stream, the standard error by default, is a terminal."""
    stream = stream or sys.stderr
    return LiveView(stream) if stream is not None and stream.isatty() else NoView()


def _course(calls: list[int]) -> str:
    """Medians of the latest calls as bars between the lowest and the highest of them."""
    size = max(1, len(calls) // _CELLS)
    medians = [
        statistics.median(calls[start : start + size])
        for start in range(0, len(calls) - size + 1, size)
    ]
    least, most = min(medians), max(medians)
    span = (most - least) or 1.0
    return "".join(_BARS[round((each - least) / span * (len(_BARS) - 1))] for each in medians)
