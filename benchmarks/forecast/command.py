"""`edge-bench forecast`: arguments and output."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from edge.command_line import NumberRange
from edge.errors import UsageError
from edge.model_loader import DEFAULT_BUNDLE

__all__ = ["command"]


@click.command("forecast")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--board", required=True, metavar="NAME", help="A profile: see edge-run doctor.")
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Default: every core.")
@click.option("--clock", type=NumberRange(min=1), metavar="MHZ", help="Default: the highest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a model file.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(
    *, model: Path | None, board: str, threads: int | None, clock: float | None, **options: bool
) -> int:
    """Forecast latency and memory of MODEL on a board that is not here.

    MODEL is a bundle, a .onnx or a .tflite file; the bundle that comes with edgedx where none is
    named. First order only, with its error band: operations, bytes moved, instructions.
    """
    from benchmarks.forecast.forecast import (
        board_processor,
        forecast_latency,
        forecast_memory_mib,
    )
    from benchmarks.forecast.model_work import read_works
    from benchmarks.forecast.report import LIMITS, format_forecast
    from devices.load import BoardProfileError, load_profile

    try:
        profile = load_profile(board)
    except BoardProfileError as error:
        raise UsageError(str(error)) from error
    processor = board_processor(profile, clock_mhz=clock)
    for file in read_works(model or DEFAULT_BUNDLE):
        found = forecast_latency(file.work, processor, threads=threads or processor.cores)
        if options["as_json"]:
            values = {
                "schema_version": 1,
                "model": file.name,
                "engine": file.engine,
                "board": profile.name,
                "memory_mib": forecast_memory_mib(file.work, file.engine),
                "multiplications": file.work.multiplications,
                **dataclasses.asdict(found),
            }
            click.echo(json.dumps(values))
        else:
            click.echo("\n".join(format_forecast(profile, file, found)))
    if not options["as_json"]:
        click.echo("\n".join(LIMITS))
    return 0
