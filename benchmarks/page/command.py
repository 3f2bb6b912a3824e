"""`edge-bench report`: a record as a page."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("report")
@click.argument("record", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: RECORD with .html.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(*, record: Path, output: Path | None, debug: bool) -> int:  # noqa: ARG001
    """Draw RECORD as one HTML page that opens without a network.

    Distribution, latency over time with clock, temperature and memory, and where the time goes.
    """
    from benchmarks.atomic_file import write_file
    from benchmarks.page.page import render_page
    from benchmarks.records.record_file import read_record

    found = read_record(record)
    place = output or record.with_suffix(".html")
    write_file(place, render_page(found, title=record.name).encode())
    click.echo(f"{place}")
    return 0
