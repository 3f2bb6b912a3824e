"""`edge-kiosk`: its commands, each loaded when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from edge import __version__
from edge.command_line import run_command
from edge.lazy_group import LazyGroup

__all__ = ["main"]

_COMMANDS = {
    "serve": ("edge.kiosk.serve_command", "Answer from a camera; show it on a page and an API."),
    "journal": ("edge.kiosk.journal.command", "Verify or export the journal of answers."),
    "update": ("edge.kiosk.slots.command", "Check a new bundle and switch to it."),
    "install": ("edge.kiosk.install_command", "Lay the systemd service down and start it."),
    "remove": ("edge.kiosk.remove_command", "Take the systemd service away again."),
}
"""By name: the module, which holds a click command `command`, and a line for the overview."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `edge-kiosk`; ends the process with an exit code.

    Args:
        arguments: the words after the program's name; None for the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    run_command(kiosk_group, words, name="edge-kiosk")


@click.group(
    cls=LazyGroup,
    lazy_commands=_COMMANDS,
    epilog="Exit codes: 0 done, 1 a check failed, 2 wrong use, 3 bad input, 4 bad bundle, "
    "5 engine or device failure, 130 interrupted.",
)
@click.version_option(__version__, prog_name="edge-kiosk")
def kiosk_group() -> None:
    """Keep a model answering from a camera for months, never from a bad frame."""
