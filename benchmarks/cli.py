"""`edge-bench`: arguments and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from edge import __version__
from edge.command_line import run_command

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `edge-bench`; ends the process with an exit code.

    Args:
        arguments: the words after the program's name; None for the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    run_command(bench_group, words, name="edge-bench")


@click.group(
    epilog="Exit codes: 0 done and valid, 1 measured but INVALID, 2 wrong use, 3 bad input, "
    "4 bad bundle, 5 engine or device failure, 130 interrupted.",
)
@click.version_option(__version__, prog_name="edge-bench")
def bench_group() -> None:
    """Measure the latency of a model on this very machine, honestly."""


@bench_group.command("run")
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option(
    "--engine",
    type=click.Choice(["auto", "onnxruntime", "litert"]),
    default="auto",
    show_default=True,
)
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Default: all, at most 4.")
@click.option(
    "--duration",
    type=click.FloatRange(min=0.0, min_open=True, max=86400.0),
    default=10.0,
    show_default=True,
    metavar="S",
    help="Seconds of the warm measurement.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A real picture, as often as wanted. Default: the bundle's golden inputs.",
)
@click.option(
    "--cold-starts", type=click.IntRange(min=0), default=5, show_default=True, metavar="N"
)
@click.option("--json", "as_json", is_flag=True, help="Print the record instead of the report.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the record here.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def run_measurement(bundle: Path | None, **options: Any) -> int:
    """Measure BUNDLE: cold starts, first answer, warm latency by stage, memory.

    BUNDLE is a bundle, or a bare model file that edge-quantize wrote; the chest X-ray bundle
    that comes with edgedx where none is named. While it is timed, every answer is checked.
    """
    from benchmarks.record import record_to_json, write_record
    from benchmarks.report import format_record
    from benchmarks.run import BenchmarkRequest, run_benchmark

    record = run_benchmark(
        BenchmarkRequest(
            model=bundle,
            engine=options["engine"],
            threads=options["threads"],
            duration_s=options["duration"],
            inputs=options["inputs"],
            cold_starts=options["cold_starts"],
        ),
    )
    if options["output"]:
        write_record(record, options["output"])
    if options["as_json"]:
        click.echo(record_to_json(record), nl=False)
    else:
        click.echo("\n".join(format_record(record)))
    return 0 if record.verdict.is_valid else 1
