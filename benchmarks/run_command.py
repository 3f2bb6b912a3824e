"""`edge-bench run`: arguments and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from benchmarks.records.record import BenchmarkRecord, RunSettings, ScenarioName
from edge.command_line import NumberRange
from edge.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.subjects import SubjectChoice

__all__ = ["command", "exit_code", "parse_threads"]

_FAILED = 5
_INTERRUPTED = 130
_MS = 1_000_000
_STREAMS = 8
_QUERIES = 64
# With none over its bound so many say that 99 % keep it (Wilks 1941: 299).
_SERVER_QUERIES = 300


@click.command("run")
@click.argument("models", nargs=-1, metavar="[MODEL]...", type=click.Path(path_type=Path))
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(["onnxruntime", "litert"]),
    help="Default: all that the model has files for.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    type=click.Choice(["int8", "mixed", "dynamic", "float32"]),
    help="Default: all that the model has files for.",
)
@click.option("--threads", metavar="N,N", help="Default: 1, and every processor but at most 4.")
@click.option(
    "--scenario",
    type=click.Choice(get_args(ScenarioName)),
    default="single-stream",
    show_default=True,
    help="How queries arrive, after MLPerf Inference.",
)
@click.option(
    "--min-duration",
    type=NumberRange(min=0.0, min_open=True, max=86400.0),
    default=10.0,
    show_default=True,
    metavar="S",
    help="Time answers for at least so long,",
)
@click.option(
    "--min-queries",
    type=click.IntRange(min=1, max=10**9),
    metavar="N",
    help=f"and over at least so many queries. Default: {_QUERIES}, of a server {_SERVER_QUERIES}.",
)
@click.option(
    "--sustained",
    type=NumberRange(min=0.0, max=86400.0),
    default=10.0,
    show_default=True,
    metavar="S",
    help="Go on under full load for so long.",
)
@click.option(
    "--streams",
    type=click.IntRange(min=1, max=1024),
    metavar="N",
    help=f"Inputs in a multi-stream query. Default: {_STREAMS}.",
)
@click.option(
    "--rate",
    type=NumberRange(min=0.0, min_open=True),
    metavar="HZ",
    help="Server queries a second. Default: half of what is possible.",
)
@click.option(
    "--latency-bound",
    type=NumberRange(min=0.0, min_open=True),
    metavar="MS",
    help="What 99 % of the server's queries must keep.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A real input, as often as wanted. Default: the bundle's golden inputs.",
)
@click.option("--random", "is_random", is_flag=True, help="Time engines alone on random tensors.")
@click.option(
    "--cold-starts", type=click.IntRange(min=0), default=5, show_default=True, metavar="N"
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, metavar="N")
@click.option("--governor", metavar="NAME", help="INVALID where a processor has another one.")
@click.option("--strict", is_flag=True, help="Exit code 1 where a measurement is INVALID.")
@click.option("--json", "as_json", is_flag=True, help="Print the record instead of the report.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the record here.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(models: tuple[Path, ...], **options: Any) -> int:
    """Measure every MODEL: cold starts, first answer, warm and sustained latency, memory.

    MODEL is a bundle or a bare .onnx or .tflite file; the chest X-ray bundle that comes with
    edgedx where none is named. Each engine x precision x threads is measured in a process of its
    own, and a sample of its answers is checked while it is timed.
    """
    from benchmarks.live_view import make_view
    from benchmarks.records.record_file import record_to_json
    from benchmarks.report import format_record
    from benchmarks.run import BenchmarkRequest, keep_record, run_benchmark

    request = BenchmarkRequest(
        settings=_settings(options),
        models=models,
        choice=_choice(options),
        inputs=options["inputs"],
        output=options["output"],
    )
    record = run_benchmark(request, make_view())
    if options["as_json"]:
        click.echo(record_to_json(record), nl=False)
    else:
        click.echo("\n".join(format_record(record)))
    if request.output is not None:
        keep_record(record, request.output)
    return exit_code(record, is_strict=options["strict"])


def exit_code(record: BenchmarkRecord, *, is_strict: bool) -> int:
    """0 done; 1 INVALID and strict; 5 a measurement failed; 130 interrupted."""
    statuses = {each.status for each in record.measurements}
    if "interrupted" in statuses:
        return _INTERRUPTED
    if "failed" in statuses:
        return _FAILED
    return int(is_strict and not all(each.verdict.is_valid for each in record.measurements))


def _settings(options: dict[str, Any]) -> RunSettings:
    scenario: ScenarioName = options["scenario"]
    for name, owner in (
        ("streams", "multi-stream"),
        ("rate", "server"),
        ("latency_bound", "server"),
    ):
        if options[name] is not None and scenario != owner:
            raise UsageError(
                f"--{name.replace('_', '-')} is given for the {scenario} scenario; it is of "
                f"--scenario {owner}",
            )
    bound_ms = options["latency_bound"]
    if scenario == "server" and bound_ms is None:
        raise UsageError("the server scenario asks whether a bound is kept; give --latency-bound")
    return RunSettings(
        scenario=scenario,
        min_duration_s=options["min_duration"],
        min_queries=options["min_queries"]
        or (_SERVER_QUERIES if scenario == "server" else _QUERIES),
        sustained_s=options["sustained"],
        seed=options["seed"],
        cold_starts=options["cold_starts"],
        samples_per_query=(options["streams"] or _STREAMS) if scenario == "multi-stream" else 1,
        rate_hz=options["rate"],
        latency_bound_ns=None if bound_ms is None else round(bound_ms * _MS),
        governor=options["governor"],
    )


def _choice(options: dict[str, Any]) -> SubjectChoice:
    from benchmarks.subjects import SubjectChoice

    if options["is_random"] and options["inputs"]:
        raise UsageError("--random and --input contradict each other; give one of them")
    return SubjectChoice(
        engines=options["engines"],
        precisions=options["precisions"],
        threads=parse_threads(options["threads"]),
        is_random=options["is_random"],
    )


def parse_threads(text: str | None) -> tuple[int, ...]:
    """Numbers of threads from "1,2,4"; none for None.

    Raises:
        UsageError: it is something else.
    """
    from edge.engines.threads import resolve_threads

    if text is None:
        return ()
    numbers = text.split(",")
    if not all(each.strip().isdecimal() for each in numbers):
        raise UsageError(f"--threads is {text[:40]!r}; give numbers with commas between: 1,2,4")
    return tuple(dict.fromkeys(resolve_threads(int(each)) for each in numbers))
