"""`edge-kiosk remove`: take away what `edge-kiosk install` laid down, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import click

from devices.kiosk.installation_plan import STATE_FOLDER
from devices.kiosk.lay_down import take_away
from devices.kiosk.live_system import LiveSystem
from devices.kiosk.root_files import RootFiles
from devices.kiosk.setup_error import KioskSetupError
from devices.kiosk.step_report import describe_steps
from edge.errors import DeviceError, UsageError

__all__ = ["command"]

_LIVE_ROOT = Path("/")


@click.command(name="remove")
@click.option(
    "--purge",
    is_flag=True,
    help="Also what was changed by hand, the models, the journal of answers, the log, the users.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=_LIVE_ROOT,
    metavar="DIR",
    help="Of the system in DIR, such as an image.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(root: Path, *, purge: bool, dry_run: bool, debug: bool) -> None:
    """Stop the kiosk and take its files away.

    What was changed by hand is kept as NAME.saved; models and journal stay.
    """
    del debug
    is_live = root.resolve() == _LIVE_ROOT and not dry_run
    if is_live and os.geteuid() != 0:
        raise UsageError("removing needs root; run it with sudo, or look first with --dry-run")
    try:
        if is_live:
            LiveSystem().check()
            LiveSystem().stop()
        steps = take_away(root, is_purge=purge, is_rehearsal=dry_run)
        for line in describe_steps(steps, is_rehearsal=dry_run):
            click.echo(line)
        if is_live:
            LiveSystem().reload()
        if is_live and purge:
            LiveSystem().purge()
        if not steps:
            click.echo("nothing is installed")
        if not purge and RootFiles(root).exists(STATE_FOLDER):
            click.echo(f"{STATE_FOLDER} with models and journal is left; --purge removes it")
    except KioskSetupError as error:
        raise DeviceError(str(error)) from error
