"""`python -m benchmarks.peers.quantizers --models DIR --out FILE.json`: compare int8 toolchains.

Goes on where it was stopped: what FILE.json holds is not run again unless `--again` is given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from benchmarks.atomic_file import write_file
from benchmarks.environment import describe_machine
from benchmarks.peers.quantizers.bar_model import BarModelFolder, read_bar_model
from benchmarks.peers.quantizers.environments import (
    ENVIRONMENTS,
    default_cache,
    installed_versions,
)
from benchmarks.peers.quantizers.jobs import run_ours, run_setting
from benchmarks.peers.quantizers.record import (
    OURS,
    Comparison,
    Run,
    SpeedRun,
    read_comparison,
    write_comparison,
)
from benchmarks.peers.quantizers.settings import OUR_SETTINGS, settings_for
from benchmarks.peers.quantizers.speed_files import time_model
from benchmarks.peers.quantizers.table import comparison_table
from edge.errors import EdgeError, UsageError

__all__ = ["main"]

_THREADS = (1, 2)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command line asks for."""

    peers: tuple[str, ...]
    settings: tuple[str, ...]
    is_again: bool
    is_timed: bool
    limit_s: float

    def includes_ours(self, setting: str) -> bool:
        is_named = not self.settings or setting in self.settings
        return is_named and (not self.peers or OURS in self.peers)


class _Recorder:
    """The comparison so far; every change is on disk before the next run begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found = read_comparison(path)

    def update(self, change: Callable[[Comparison], Comparison]) -> None:
        self.found = change(self.found)
        write_comparison(self.found, self.path)
        write_file(self.path.with_suffix(".md"), comparison_table(self.found).encode())

    def add_model(self, model: BarModelFolder) -> None:
        self.update(lambda found: found.with_model(model.facts))

    def add_speed(self, speed: SpeedRun) -> None:
        self.update(lambda found: found.with_speed(speed))

    def add_run(self, run: Run) -> None:
        self.update(lambda found: found.with_run(run))
        told = f"{run.quality.worst_db:6.1f} dB" if run.quality else f"fault: {run.fault}"
        note = "" if run.is_quantized or run.fault else " (left in float)"
        click.echo(f"{run.model} {run.engine} {run.peer}, {run.setting}: {told}{note}")


@click.command()
@click.option("--models", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--only", default="", help="Model names, separated by commas; all if empty.")
@click.option("--peers", default="", help=f"Quantizers by comma ('{OURS}' is ours); all if empty.")
@click.option("--settings", default="", help="Settings by semicolon; all if empty.")
@click.option("--cache", type=click.Path(path_type=Path), default=default_cache)
@click.option("--limit", default=1200.0, show_default=True, help="Seconds for one quantizer.")
@click.option("--again", is_flag=True, help="Run also what has been run.")
@click.option("--speed/--no-speed", default=True, show_default=True, help="Time the files.")
def main(models: Path, out: Path, only: str, cache: Path, **options: Any) -> None:
    """Compare our int8 files with those of other quantizers."""
    try:
        recorder = _Recorder(out)
        recorder.update(lambda found: replace(found, machine=describe_machine()))
        wanted = _Wanted(
            peers=tuple(filter(None, options["peers"].split(","))),
            settings=tuple(filter(None, options["settings"].split(";"))),
            is_again=options["again"],
            is_timed=options["speed"],
            limit_s=options["limit"],
        )
        for folder in _folders(models, only):
            model = read_bar_model(folder)
            recorder.add_model(model)
            _compare(recorder, model, wanted, cache)
        recorder.update(lambda found: replace(found, environments=_environments(cache)))
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


def _folders(models: Path, only: str) -> list[Path]:
    names = list(filter(None, only.split(",")))
    folders = (
        [models / name for name in names]
        if names
        else sorted(path.parent for path in models.glob("*/model.onnx"))
    )
    if not folders:
        raise UsageError(f"no models in {models}; make them with benchmarks.zoo.bar_models")
    return folders


def _compare(recorder: _Recorder, model: BarModelFolder, wanted: _Wanted, cache: Path) -> None:
    name = model.facts.name
    for own in filter(wanted.includes_ours, OUR_SETTINGS):
        if wanted.is_again or not recorder.found.has_run((name, OURS, own, "onnxruntime")):
            for run in run_ours(model, own, cache, wanted.limit_s):
                recorder.add_run(run)
    for setting in settings_for(model.facts.family, wanted.peers):
        key = (name, setting.peer, setting.name, setting.engine)
        is_named = not wanted.settings or setting.name in wanted.settings
        if is_named and (wanted.is_again or not recorder.found.has_run(key)):
            recorder.add_run(run_setting(model, setting, cache, wanted.limit_s))
    if wanted.is_timed:
        for threads in _THREADS:
            for speed in time_model(recorder.found, model, cache, threads):
                recorder.add_speed(speed)


def _environments(cache: Path) -> dict[str, dict[str, str]]:
    pythons = {name: cache / "env" / name / "bin" / "python" for name in ENVIRONMENTS}
    made = {name: installed_versions(path) for name, path in pythons.items() if path.is_file()}
    return {"ours": installed_versions(Path(sys.executable)), **made}


if __name__ == "__main__":
    main()
