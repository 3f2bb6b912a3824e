"""Prints answers as they come: JSON Lines, or what a person wants to read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import click

from edge.answering import Failure
from edge.errors import EdgeError
from edge.report import (
    error_to_json,
    format_answer,
    format_latency_summary,
    format_model,
    format_short_answer,
    result_to_json,
)
from edge.results import LatencyNs, Result

if TYPE_CHECKING:
    from edge.pipeline import Model

__all__ = ["JsonPrinter", "PersonPrinter", "Printer", "Tally", "print_all"]

_PROGRESS_CELLS = 30
# A stream that runs for weeks must not collect latencies for ever.
_MOST_LATENCIES = 100_000


@dataclass(slots=True)
class Tally:
    """What has come so far.

    Attributes:
        answered: inputs with an answer.
        refused: inputs that must not be answered.
        failed: inputs that gave an error.
        exit_code: the gravest of what happened; 0 where nothing did.
        latencies: of the answered inputs, the first 100 000.
    """

    answered: int = 0
    refused: int = 0
    failed: int = 0
    exit_code: int = 0
    latencies: list[LatencyNs] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many inputs have come out, one way or another."""
        return self.answered + self.refused + self.failed

    def add(self, answer: Result | Failure) -> None:
        """Count one answer."""
        if not isinstance(answer, Result):
            self.failed += 1
            self._note(answer.error)
        elif answer.status == "ok":
            self.answered += 1
            if len(self.latencies) < _MOST_LATENCIES:
                self.latencies.append(answer.latency_ns)
        else:
            self.refused += 1
            self.exit_code = max(self.exit_code, 1)

    def _note(self, error: EdgeError) -> None:
        self.exit_code = max(self.exit_code, error.exit_code)


class Printer(Protocol):
    """A form in which answers are printed."""

    def show(self, answer: Result | Failure, tally: Tally) -> None:
        """Print one answer."""
        ...

    def finish(self, tally: Tally) -> None:
        """Print what comes after the last."""
        ...


def print_all(printer: Printer, answers: Iterable[Result | Failure]) -> int:
    """Print answers as they come.

    Returns:
        The exit code: the gravest of what happened.

    Raises:
        KeyboardInterrupt: the user stopped it; what had come is summed up first.
    """
    tally = Tally()
    try:
        for answer in answers:
            tally.add(answer)
            printer.show(answer, tally)
    finally:
        printer.finish(tally)
    return tally.exit_code


class JsonPrinter:
    """One JSON object a line, written out at once."""

    def show(self, answer: Result | Failure, tally: Tally) -> None:  # noqa: ARG002
        """Print one line."""
        if isinstance(answer, Result):
            click.echo(result_to_json(answer))
        else:
            click.echo(error_to_json(answer.source, answer.index, answer.error))

    def finish(self, tally: Tally) -> None:
        """Nothing follows the last line."""


class PersonPrinter:
    """One input in full; many in a line each, with a progress bar under them on a terminal.

    Args:
        model: the model that answers.
        count: how many inputs will come; 0 where nobody knows.
        most: how many labels of each output; None for all.
    """

    def __init__(self, model: Model, *, count: int, most: int | None) -> None:
        self._model = model
        self._count = count
        self._most = most
        self._has_progress = count > 1 and sys.stderr.isatty()

    def show(self, answer: Result | Failure, tally: Tally) -> None:
        """Print one answer, and redraw the progress bar under it."""
        self._clear_progress()
        if not isinstance(answer, Result):
            click.echo(f"edge-run: {answer.error}", err=True)
        elif self._count == 1:
            click.echo("\n".join(format_answer(answer, most=self._most)))
        else:
            click.echo(format_short_answer(answer))
        self._draw_progress(tally)

    def finish(self, tally: Tally) -> None:
        """Print counts, latency and which model it was."""
        self._clear_progress()
        lines: Sequence[str] = []
        if self._count != 1:
            lines = [f"{tally.answered} answered, {tally.refused} refused, {tally.failed} failed"]
        if tally.latencies:
            load_ns = self._model.parts.load_ns
            lines = [
                *lines,
                *format_latency_summary(tally.latencies, load_ns=load_ns),
                *format_model(self._model),
            ]
        if lines:
            click.echo("\n".join(lines))

    def _clear_progress(self) -> None:
        if self._has_progress:
            click.echo("\r\033[K", nl=False, err=True)

    def _draw_progress(self, tally: Tally) -> None:
        if self._has_progress:
            cells = round(_PROGRESS_CELLS * min(1.0, tally.done / self._count))
            bar = f"[{'#' * cells}{'-' * (_PROGRESS_CELLS - cells)}] {tally.done}/{self._count}"
            click.echo(bar, nl=False, err=True)
