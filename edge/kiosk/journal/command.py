"""`edge-kiosk journal`: verify and export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from edge.kiosk.journal.chain_writer import Receipt
from edge.kiosk.journal.export import ExportOptions, export_journal
from edge.kiosk.journal.verify import Verification, verify_journal

__all__ = ["command"]

_BROKEN = 1
_NS_PER_US = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RECEIPT = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})", re.ASCII)


def _receipts(context: click.Context, option: click.Parameter, values: Any) -> Any:
    """Receipts as answers carry them in `sequence` and `entry_digest`; None stays None."""
    del context
    if values is None:
        return None
    if isinstance(values, str):
        return _receipt(values, option)
    return tuple(_receipt(each, option) for each in values)


def _receipt(text: str, option: click.Parameter) -> Receipt:
    found = _RECEIPT.fullmatch(text.lower())
    if found is None:
        raise click.BadParameter(
            f"{text!r} is no receipt; give a number, a colon and 64 hex digits", param=option
        )
    return Receipt(int(found[1]), found[2])


def _time_ns(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """Nanoseconds since 1970, from ISO 8601; UTC where no offset is given."""
    del context
    if value is None:
        return None
    try:
        # Before Python 3.11 the letter for UTC is not understood.
        moment = datetime.fromisoformat(re.sub(r"[zZ]\Z", "+00:00", value))
        since = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)) - _EPOCH
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{value!r} is no time; write 2026-05-01 or 2026-05-01T08:30:00", param=option
        ) from None
    return (since // timedelta(microseconds=1)) * _NS_PER_US


@click.group()
def command() -> None:
    """Verify or export the journal of answers."""


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--receipt",
    "receipts",
    metavar="SEQUENCE:DIGEST",
    callback=_receipts,
    multiple=True,
    help="An entry that has to be there, as the answer told it; may be given several times.",
)
@click.option(
    "--expect-last",
    metavar="SEQUENCE:DIGEST",
    callback=_receipts,
    help="The line that has to be the last one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
def verify(
    folder: Path,
    receipts: tuple[Receipt, ...],
    expect_last: Receipt | None,
    *,
    as_json: bool,
    debug: bool,
) -> int:
    """Check that no entry in FOLDER was changed, removed, moved or inserted.

    The service may run meanwhile. A cut end shows only against a receipt. Exit code 1 where
    something is broken or missing.
    """
    del debug
    found = verify_journal(folder, receipts, expect_last)
    if as_json:
        click.echo(msgspec.json.encode(_as_json(found)).decode())
    else:
        for line in _as_text(folder, found, len(receipts)):
            click.echo(line)
    return 0 if found.is_whole else _BROKEN


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl")
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, metavar="FILE")
@click.option(
    "--since",
    metavar="TIME",
    callback=_time_ns,
    help="Entries from this time on; UTC unless it says.",
)
@click.option("--until", metavar="TIME", callback=_time_ns, help="Entries before this time.")
@click.option("--keep-going", is_flag=True, help="Leave out what is broken; exit code 1 then.")
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
def export(folder: Path, output: Path, *, debug: bool, **options: Any) -> int:
    """Write the entries in FOLDER to a file, verified on the way: all of it or none."""
    del debug
    written = export_journal(folder, output, _export_options(options))
    click.echo(f"{output}: {written.lines} lines")
    if not written.breaks:
        return 0
    click.echo(f"BROKEN in {written.breaks} places, which were left out; `verify` names them")
    return _BROKEN


def _export_options(options: Mapping[str, Any]) -> ExportOptions:
    form: Literal["jsonl", "csv"] = options["form"]
    return ExportOptions(form, options["since"], options["until"], options["keep_going"])


def _as_text(folder: Path, found: Verification, receipts: int) -> list[str]:
    lines = [f"BROKEN {each}" for each in found.breaks]
    lines += [f"note: {each}" for each in found.notes]
    if found.is_whole and not found.last_sequence:
        lines.append(f"{folder}: no entries")
    elif found.is_whole:
        checked = f", {receipts} receipts found" if receipts else ""
        lines.append(
            f"{folder}: entries {found.first_sequence} to {found.last_sequence} are whole and in "
            f"order{checked}; the last is {found.last_sequence}:{found.last_digest}"
        )
    return lines


def _as_json(found: Verification) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "is_whole": found.is_whole,
        "lines": found.lines,
        "first_sequence": found.first_sequence,
        "last_sequence": found.last_sequence,
        "last_digest": found.last_digest,
        "breaks": [
            {"file": each.file, "after": each.after, "what": each.what} for each in found.breaks
        ],
        "notes": found.notes,
    }
