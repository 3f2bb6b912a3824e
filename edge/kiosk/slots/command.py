"""`edge-kiosk update`: apply a bundle, see how it does, go back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import click

from edge.bundle.signature import read_public_key
from edge.command_line import ENGINES, PRECISIONS, NumberRange
from edge.errors import UsageError
from edge.kiosk.slots.store import Slot, SlotState, SlotStore, Switch, UpdateRequirements
from edge.stored_choice import STATE_FOLDER_VARIABLE

__all__ = ["command"]

_STATE_FOLDER: Final = "/var/lib/edgedx"
_SLOTS: Final = "slots"
_PATH = click.Path(path_type=Path)
_SHOWN_SWITCHES = 10


def _state_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--state",
        type=_PATH,
        metavar="DIR",
        help="Folder of the model slots, as edge-kiosk serve --state has it. Default: slots in "
        f"${STATE_FOLDER_VARIABLE}, or in {_STATE_FOLDER}.",
    )(click.option("--debug", is_flag=True, help="Show tracebacks.")(function))


@click.group(
    epilog="Exit codes: 0 done, 1 a check failed, 2 wrong use, 3 bad input, 4 bad bundle, "
    "5 engine or device failure, 130 interrupted."
)
def command() -> None:
    """Try a new bundle on this machine; the old one comes back by itself where it fails.

    A kiosk that runs takes a switch up within seconds.
    """


@command.command("apply")
@click.argument("bundle", type=_PATH, metavar="NEW.edge")
@_state_option
@click.option("--sha256", default="", metavar="HEX", help="Digest that the file must have.")
@click.option(
    "--require-signature",
    "key_paths",
    type=_PATH,
    multiple=True,
    metavar="PUBLIC.pem",
    help="Accept only a bundle signed with this key; given again: or with that one. Later "
    "updates need no such option: the keys are remembered.",
)
@click.option("--allow-unsigned", is_flag=True, help="Forget the keys, and ask for no signature.")
@click.option(
    "--trial-minutes",
    type=NumberRange(0, 7 * 24 * 60),
    default=10.0,
    show_default=True,
    help="How long it must run well before it is confirmed.",
)
@click.option(
    "--most-failures",
    type=click.IntRange(0, 1000),
    default=2,
    show_default=True,
    help="So many failures and crashes its trial may have.",
)
@click.option("--allow-older", is_flag=True, help="Its version may be below the active one's.")
@click.option("--allow-other-model", is_flag=True, help="It may have another name.")
@click.option("--again", is_flag=True, help="It may be one that was rolled back before.")
@click.option(
    "--engine",
    type=ENGINES,
    default="auto",
    show_default=True,
    help="Test the artifacts for this engine only.",
)
@click.option(
    "--precision",
    type=PRECISIONS,
    default="auto",
    show_default=True,
    help="Test the artifacts of this precision only.",
)
@click.option(
    "--selftest-seconds",
    type=NumberRange(1, 24 * 3600),
    default=300.0,
    show_default=True,
    help="How long the self-test may take.",
)
def apply_command(bundle: Path, **options: Any) -> int:
    """Check NEW.edge, replay its golden examples here, and switch to it.

    Where a check fails, nothing is changed and the reason is printed.
    """
    store = SlotStore(
        _folder(options["state"]),
        trial_s=options["trial_minutes"] * 60,
        most_failures=options["most_failures"],
    )
    before = store.token()
    slot = store.install(bundle, _requirements(options))
    if not store.changed_since(before):
        click.echo(f"active        {_described(slot)} is active already; nothing was changed")
        return 0
    click.echo(f"active        {_described(slot)}")
    state = store.state()
    if state is not None and state.is_trial and state.previous is not None:
        click.echo(
            f"trial         {_minutes(state.trial_left_ms)} of running well; then it is confirmed"
        )
        click.echo(f"way back      {_described(state.previous)}, by itself where the trial fails")
    return 0


@command.command("status")
@_state_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status_command(*, state: Path | None, as_json: bool, debug: bool) -> int:
    """Say which bundle is active, whether it is on trial, and what happened before."""
    del debug  # looked for by `run_command`
    store = SlotStore(_folder(state))
    now, history = store.state(), store.history()
    if as_json:
        click.echo(_status_json(now, history))
        return 0
    if now is None:
        click.echo(f"active        nothing is installed in {store.folder}")
        return 0
    click.echo(f"active        {_described(now.active)}")
    if now.active.signed_by:
        click.echo(f"signed        with key {now.active.signed_by[:16]}")
    if now.is_trial:
        click.echo(
            f"trial         {_minutes(now.trial_left_ms)} left; started {now.starts_in_trial} "
            f"times, failed {now.failures_in_trial} times"
        )
    way_back = "none" if now.previous is None else _described(now.previous)
    click.echo(f"way back      {way_back}")
    for switch in history[-_SHOWN_SWITCHES:]:
        click.echo(f"{_time(switch.time_ns)}  {switch.kind}: {switch.model} ({switch.reason})")
    return 0


@command.command("rollback")
@_state_option
@click.option("--reason", default="asked for", show_default=True, help="Goes into the history.")
def rollback_command(*, state: Path | None, reason: str, debug: bool) -> int:
    """Go back to the bundle before, on trial or not."""
    del debug  # looked for by `run_command`
    now = SlotStore(_folder(state)).roll_back(reason)
    click.echo(f"active        {_described(now.active)}")
    return 0


def _folder(state: Path | None) -> Path:
    """Where the slots are: the same for the service and for whoever updates it."""
    if state is not None:
        return state
    return Path(os.environ.get(STATE_FOLDER_VARIABLE) or _STATE_FOLDER) / _SLOTS


def _requirements(options: dict[str, Any]) -> UpdateRequirements:
    if options["allow_unsigned"] and options["key_paths"]:
        raise UsageError("--allow-unsigned and --require-signature contradict; leave one out")
    sha256 = options["sha256"].lower()
    if sha256 and (len(sha256) != 64 or set(sha256) - set("0123456789abcdef")):  # noqa: PLR2004 - hex digits of a SHA-256
        raise UsageError(f"--sha256 {options['sha256'][:80]!r} is not 64 hex digits")
    return UpdateRequirements(
        sha256=sha256,
        trusted_keys=tuple(map(read_public_key, options["key_paths"])),
        may_be_unsigned=options["allow_unsigned"],
        may_be_older=options["allow_older"],
        may_be_other_model=options["allow_other_model"],
        may_be_again=options["again"],
        engine=options["engine"],
        precision=options["precision"],
        selftest_s=options["selftest_seconds"],
    )


def _described(slot: Slot) -> str:
    return f"{slot.model_name} {slot.model_version} ({slot.digest[:16]}) in slot {slot.name}"


def _minutes(milliseconds: int) -> str:
    return f"{milliseconds / 60_000:.1f} min"


def _time(time_ns: int) -> str:
    when = datetime.fromtimestamp(time_ns / 1e9, tz=timezone.utc)
    return when.strftime("%Y-%m-%d %H:%M:%SZ")


def _status_json(state: SlotState | None, history: tuple[Switch, ...]) -> str:
    now = None if state is None else asdict(state)
    return json.dumps(
        {"schema_version": 1, "state": now, "history": [asdict(each) for each in history]},
        default=str,
    )
