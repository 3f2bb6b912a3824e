"""`edge-bench`: its commands, each loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from edge import __version__
from edge.command_line import run_command

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


class _LazyGroup(click.Group):
    """Knows its commands by name; a command's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order in which a user needs them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        found = _COMMANDS.get(cmd_name)
        if found is None:
            return None
        command: click.Command = importlib.import_module(found[0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing them all."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `edge-bench`; ends the process with an exit code.

    Args:
        arguments: the words after the program's name; None for the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    run_command(bench_group, words, name="edge-bench")


@click.group(
    cls=_LazyGroup,
    epilog="Exit codes: 0 done, 1 a gate failed (--strict), 2 wrong use, 3 bad input, "
    "4 bad bundle, 5 engine or device failure, 130 interrupted.",
)
@click.version_option(__version__, prog_name="edge-bench")
def bench_group() -> None:
    """Latency that one can believe, of a model on this very machine."""
