"""`edge-bench export`: a record for other tools."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("export")
@click.argument("record", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "prometheus"]),
    required=True,
    help="Every sample, one row an answer; or the figures as gauges.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: print it.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(*, record: Path, form: str, output: Path | None, debug: bool) -> int:  # noqa: ARG001
    """Write RECORD as CSV or as Prometheus text (for node_exporter's textfile collector)."""
    from benchmarks.atomic_file import write_file
    from benchmarks.export.csv_samples import samples_to_csv
    from benchmarks.export.prometheus_text import record_to_prometheus
    from benchmarks.records.record_file import read_record

    found = read_record(record)
    text = samples_to_csv(found) if form == "csv" else record_to_prometheus(found)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text.encode())
    return 0
