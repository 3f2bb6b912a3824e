"""`edge-bench`: its commands, each loaded when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from edge import __version__
from edge.command_line import run_command
from edge.lazy_group import LazyGroup

__all__ = ["main"]

_COMMANDS = {
    "run": ("benchmarks.run_command", "Measure models on this very machine."),
    "report": ("benchmarks.page.command", "Draw a record as an HTML page."),
    "export": ("benchmarks.export.command", "Write a record as CSV or Prometheus text."),
    "soak": ("benchmarks.soak.command", "Minutes of full load: throttling, heat, leaks."),
    "compare": ("benchmarks.comparison.command", "Hold records to each other, as ratios."),
    "choose": ("benchmarks.choosing.command", "Find what is fastest here, for edge-run."),
    "forecast": ("benchmarks.forecast.command", "What to expect of a board that is not here."),
}
"""By name: the module, which holds a click command `command`, and a line for the overview."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `edge-bench`; ends the process with an exit code.

    Args:
        arguments: the words after the program's name; None for the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    run_command(bench_group, words, name="edge-bench")


@click.group(
    cls=LazyGroup,
    lazy_commands=_COMMANDS,
    epilog="Exit codes: 0 done, 1 a gate failed (--strict), 2 wrong use, 3 bad input, "
    "4 bad bundle, 5 engine or device failure, 130 interrupted.",
)
@click.version_option(__version__, prog_name="edge-bench")
def bench_group() -> None:
    """Latency that one can believe, of a model on this very machine."""
