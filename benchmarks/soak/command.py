"""`edge-bench soak`: arguments, output and exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.command_line import NumberRange

if TYPE_CHECKING:
    from benchmarks.run import BenchmarkRequest

__all__ = ["command"]

_COLD_S = 60.0


@click.command("soak")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option(
    "--minutes",
    type=NumberRange(min=0.1, max=10080.0),
    default=30.0,
    show_default=True,
    help="Of full load.",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(["onnxruntime", "litert"]),
    help="Default: what edge-run would take.",
)
@click.option("--threads", metavar="N", help="Default: every processor, at most 4.")
@click.option(
    "--input", "inputs", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="A real input, as often as wanted. Default: the bundle's golden inputs.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, metavar="N")
@click.option("--strict", is_flag=True, help="Exit code 1 where the soak is INVALID or leaks.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the record here.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a subject.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(model: Path | None, **options: Any) -> int:
    """Keep this machine under full load and say what that does to it.

    Time to throttle, cold against sustained latency, slope of memory with its interval, heat.
    Interrupted, it says what it saw until then. `edge-bench report` plots the record.
    """
    import dataclasses
    import json

    from benchmarks.live_view import make_view
    from benchmarks.run import keep_record, run_benchmark
    from benchmarks.run_command import exit_code
    from benchmarks.soak.findings import examine_soak
    from benchmarks.soak.report import format_soak

    request = _request(model, options)
    record = run_benchmark(request, make_view())
    if request.output is not None:
        keep_record(record, request.output)
    leaks = False
    for measurement in record.measurements:
        if "timed" not in measurement.phases:
            click.echo(f"{measurement.subject.name}: nothing was timed: {measurement.failure}")
            continue
        found = examine_soak(measurement, record.limits)
        leaks = leaks or bool(found.memory and found.memory.is_leak)
        if options["as_json"]:
            values = {"schema_version": 1, **dataclasses.asdict(found)}
            click.echo(json.dumps(values | {"verdict": dataclasses.asdict(measurement.verdict)}))
        else:
            click.echo("\n".join(format_soak(measurement, found)))
    return exit_code(record, is_strict=options["strict"]) or int(options["strict"] and leaks)


def _request(model: Path | None, options: dict[str, Any]) -> BenchmarkRequest:
    from benchmarks.records.record import RunSettings
    from benchmarks.run import BenchmarkRequest
    from benchmarks.run_command import parse_threads
    from benchmarks.subjects import SubjectChoice
    from edge.engines.threads import resolve_threads

    load_s = 60.0 * options["minutes"]
    cold_s = min(_COLD_S, load_s / 3)
    engines = options["engines"] or ("onnxruntime",)
    return BenchmarkRequest(
        settings=RunSettings(
            scenario="single-stream",
            min_duration_s=cold_s,
            min_queries=1,
            sustained_s=load_s - cold_s,
            seed=options["seed"],
            cold_starts=0,
            samples_per_query=1,
            rate_hz=None,
            latency_bound_ns=None,
            governor=None,
        ),
        models=() if model is None else (model,),
        choice=SubjectChoice(
            engines=engines, threads=parse_threads(options["threads"]) or (resolve_threads(None),)
        ),
        inputs=options["inputs"],
        output=options["output"],
    )
