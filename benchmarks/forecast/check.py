"""`python -m benchmarks.forecast.check`: the forecast beside what others published.

Fits the time model to the figures of `benchmarks.forecast.published`, then once more for each
board without that board's figures, so that the error band is that of a board not seen. Memory is
held to processes on this machine.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

import click
import msgspec
import numpy as np

from benchmarks.atomic_file import write_file
from benchmarks.child_environment import child_environment
from benchmarks.environment import Machine, describe_machine
from benchmarks.forecast.forecast import board_processor, forecast_memory_mib
from benchmarks.forecast.known_networks import network_work
from benchmarks.forecast.model_work import FileWork, read_works
from benchmarks.forecast.published import PUBLISHED, PublishedFigure
from benchmarks.forecast.time_model import Processor, TimeModel, latency_s
from benchmarks.forecast.work import ModelWork
from devices.load import load_profile
from edge.errors import EngineError

__all__ = ["CheckedFigure", "ForecastCheck", "MemoryCheck", "fit", "main"]

_START = TimeModel(0.55, 0.75, 0.6, 0.5, 0.2, 0.85, 10e-6)
_FITTED_VALUES = 6
_ROUNDS = 8
_WIDEST_STEP = 0.7
_LEAST_SCALING = 0.4
_SHARE = 0.9
_COLUMNS = (
    *("board", "MHz", "network", "precision", "threads"),
    *("published ms", "fitted", "unseen", "unseen / published"),
)


@dataclass(frozen=True, slots=True)
class CheckedFigure:
    """One published latency beside the forecasts.

    Attributes:
        figure: as published.
        fitted_ms: forecast by the model fitted to all figures.
        unseen_ms: forecast by the model fitted to the figures of the other boards.
    """

    figure: PublishedFigure
    fitted_ms: float
    unseen_ms: float


@dataclass(frozen=True, slots=True)
class MemoryCheck:
    """Peak memory of a process that ran a model once, beside its forecast."""

    model: str
    engine: str
    measured_mib: float
    forecast_mib: float


@dataclass(frozen=True, slots=True)
class ForecastCheck:
    """The record.

    Attributes:
        machine: where memory was measured.
        fitted: the time model, as `benchmarks.forecast.time_model.FITTED` should hold it.
        error_factor: nine of ten unseen figures lie within this factor of their forecast.
        worst_factor: all do.
        figures: each published one.
        memory: each process.
    """

    machine: Machine
    fitted: TimeModel
    error_factor: float
    worst_factor: float
    figures: tuple[CheckedFigure, ...]
    memory: tuple[MemoryCheck, ...]


def fit(figures: Sequence[PublishedFigure]) -> TimeModel:
    """Least squares of the logarithms, one value at a time in ever smaller steps.

    Args:
        figures: published latencies, at least one.
    """
    best, least = _START, math.inf
    for turn in range(_ROUNDS):
        steps = np.exp(np.linspace(-_WIDEST_STEP, _WIDEST_STEP, 9) * 0.6**turn).tolist()
        for index in range(_FITTED_VALUES):
            values = list(astuple(best))
            for step in steps:
                tried = TimeModel(
                    *[value * (step if at == index else 1.0) for at, value in enumerate(values)]
                )
                error = _mean_square(tried, figures) if _is_sensible(tried) else math.inf
                if error < least:
                    best, least = tried, error
    return best


def _is_sensible(model: TimeModel) -> bool:
    return max(astuple(model)[:_FITTED_VALUES]) <= 1.0 and model.scaling >= _LEAST_SCALING


def _mean_square(model: TimeModel, figures: Sequence[PublishedFigure]) -> float:
    return float(np.mean([_log_ratio(model, each) ** 2 for each in figures]))


def _log_ratio(model: TimeModel, figure: PublishedFigure) -> float:
    return math.log(_forecast_ms(model, figure) / figure.latency_ms)


def _forecast_ms(model: TimeModel, figure: PublishedFigure) -> float:
    work, processor = _setting(figure)
    return 1e3 * latency_s(work, processor, threads=figure.threads, model=model)


@cache
def _setting(figure: PublishedFigure) -> tuple[ModelWork, Processor]:
    return (
        network_work(figure.network, is_integer=figure.precision == "int8"),
        board_processor(load_profile(figure.board), clock_mhz=figure.clock_mhz),
    )


def check_latencies() -> tuple[TimeModel, tuple[CheckedFigure, ...]]:
    """Fit to all figures, and to those of all boards but one for each board."""
    fitted = fit(PUBLISHED)
    unseen = {
        board: fit([each for each in PUBLISHED if each.board != board])
        for board in dict.fromkeys(each.board for each in PUBLISHED)
    }
    return fitted, tuple(
        CheckedFigure(each, _forecast_ms(fitted, each), _forecast_ms(unseen[each.board], each))
        for each in PUBLISHED
    )


_CHILD = """
import sys, numpy, cv2
import edge
from benchmarks.process_memory import peak_memory_bytes
from edge.engines.base import EngineOptions
from edge.engines.selection import create_engine
data = sys.stdin.buffer.read()
engine = create_engine(sys.argv[1], data, EngineOptions(threads=1))
engine.run({each.name: numpy.zeros(each.shape, each.dtype) for each in engine.inputs})
print(peak_memory_bytes())
"""


def check_memory(paths: Sequence[Path]) -> tuple[MemoryCheck, ...]:
    """Run each model once in a process of its own.

    Args:
        paths: bundles, ONNX and TFLite files.

    Raises:
        EngineError: a process failed, with the last thing it said.
    """
    return tuple(
        MemoryCheck(
            f"{path.stem}: {each.name}",
            each.engine,
            _measured_mib(each),
            forecast_memory_mib(each.work, each.engine),
        )
        for path in paths
        for each in read_works(path)
    )


def _measured_mib(file: FileWork) -> float:
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, file.engine],
        input=file.data,
        capture_output=True,
        env=child_environment(),
        check=False,
    )
    if child.returncode:
        said = child.stderr.decode(errors="replace").strip().splitlines()
        raise EngineError(f"{file.name} was not run: {said[-1] if said else child.returncode}")
    return int(child.stdout.split()[-1]) / 2**20


def _factor(ratios: Sequence[float], share: float) -> float:
    """Within which so many of the ratios lie, either way."""
    return float(np.exp(np.quantile(np.abs(np.log(ratios)), share, method="higher")))


def _table(found: ForecastCheck) -> str:
    lines = [
        "# Forecast beside published latencies",
        "",
        "Made by `python -m benchmarks.forecast.check -o FILE.json [MODEL ...]`. `unseen`:",
        "forecast by a model fitted without that board. None was measured on a board by us.",
        "",
        f"Nine of ten lie within a factor of {found.error_factor:.2f} of the unseen forecast,",
        f"all within {found.worst_factor:.2f}.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|---" * len(_COLUMNS) + "|",
    ]
    for each in found.figures:
        figure = each.figure
        lines.append(
            f"| {figure.board} | {figure.clock_mhz:g} | {figure.network} | {figure.precision} "
            f"| {figure.threads} | {figure.latency_ms:g} | {each.fitted_ms:.1f} "
            f"| {each.unseen_ms:.1f} | {each.unseen_ms / figure.latency_ms:.2f} |"
        )
    sources = dict.fromkeys(each.figure.source for each in found.figures)
    lines += ["", "Sources: " + "; ".join(sources) + ".", "", "## Memory", ""]
    lines += [
        f"Peak resident memory of a process that ran the model once, on {found.machine.processor}.",
        "",
        "| model | engine | measured MiB | forecast MiB |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {each.model} | {each.engine} | {each.measured_mib:.0f} | {each.forecast_mib:.0f} |"
        for each in found.memory
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.argument("models", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
def main(models: tuple[Path, ...], output: Path) -> None:
    """Fit the forecast to published latencies, check memory with MODELS, write a record."""
    fitted, figures = check_latencies()
    ratios = [each.unseen_ms / each.figure.latency_ms for each in figures]
    found = ForecastCheck(
        machine=describe_machine(),
        fitted=fitted,
        error_factor=_factor(ratios, _SHARE),
        worst_factor=_factor(ratios, 1.0),
        figures=figures,
        memory=check_memory(models),
    )
    write_file(output, msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    write_file(output.with_suffix(".md"), _table(found).encode())
    click.echo(f"fitted: {fitted}")
    click.echo(f"error factor {found.error_factor:.2f}, worst {found.worst_factor:.2f}")


if __name__ == "__main__":
    main()
