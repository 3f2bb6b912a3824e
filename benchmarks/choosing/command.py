"""`edge-bench choose`: arguments and output."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.command_line import NumberRange

if TYPE_CHECKING:
    from benchmarks.choosing.choose import Candidate

__all__ = ["command"]


@click.command("choose")
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option("--threads", metavar="N,N", help="Default: 1, 2 and every processor, at most 4.")
@click.option(
    "--seconds",
    type=NumberRange(min=0.1, max=3600.0),
    default=3.0,
    show_default=True,
    help="For each candidate, twice.",
)
@click.option("--dry-run", is_flag=True, help="Store nothing.")
@click.option("--force", is_flag=True, help="Store although something disturbed the measurement.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(
    *, bundle: Path | None, threads: str | None, seconds: float, dry_run: bool, **options: bool
) -> int:
    """Find the fastest way to run BUNDLE on this machine that still answers as the lab did.

    Every model file of the bundle is tried on its engine with each number of threads. The choice
    is stored for this board and these versions, and edge-run uses it where neither --engine,
    --precision nor --threads is given. Exit code 1 where nothing passes the golden examples, or
    where something disturbed the measurement, so that nothing was stored (--force stores it).
    """
    from benchmarks.choosing.choose import choose, store_choice
    from benchmarks.live_view import make_view
    from benchmarks.run_command import parse_threads
    from edge.engines.threads import resolve_threads
    from edge.stored_choice import choices_folder

    most = resolve_threads(None)
    wanted = parse_threads(threads) or tuple(sorted({1, min(2, most), most}))
    candidates, disturbances = choose(bundle, threads=wanted, seconds=seconds, view=make_view())
    best = candidates[0] if not candidates[0].fault else None
    is_stored = best is not None and not dry_run and (options["force"] or not disturbances)
    path = store_choice(best, choices_folder()) if best is not None and is_stored else None
    if options["as_json"]:
        values = {
            "schema_version": 1,
            "candidates": [dataclasses.asdict(each) for each in candidates],
            "disturbances": disturbances,
            "stored": str(path) if path else None,
        }
        click.echo(json.dumps(values))
        return _exit_code(best, path, dry_run=dry_run)
    for each in candidates:
        click.echo(_line(each, is_chosen=each is best))
    if disturbances:
        stored = "stored all the same" if path else "not stored"
        click.echo(
            f"disturbed, so {stored}: {disturbances[0]}; choose again when the machine is quiet"
        )
    if path:
        click.echo(f"stored: {path}")
    return _exit_code(best, path, dry_run=dry_run)


def _exit_code(best: Candidate | None, path: Path | None, *, dry_run: bool) -> int:
    return 0 if best is not None and (path is not None or dry_run) else 1


def _line(candidate: Candidate, *, is_chosen: bool) -> str:
    subject = candidate.subject
    threads = f"{subject.threads} thread{'s' if subject.threads > 1 else ' '}"
    time = f"{candidate.median_ns / 1e6:9.3f} ms" if candidate.median_ns else "            "
    return (
        f"{'>' if is_chosen else ' '} {subject.artifact:<24} {subject.engine:<12} {threads} "
        f"{time}  {candidate.fault or ('chosen' if is_chosen else '')}"
    ).rstrip()
