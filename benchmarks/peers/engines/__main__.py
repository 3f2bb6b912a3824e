"""`python -m benchmarks.peers.engines WORK -o FILE.json`: compare inference engines.

WORK holds the model folders that `python -m benchmarks.zoo.bar_models WORK` wrote; environments and
converted files go there too, and are kept for the next run.
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
from benchmarks.peers.engines.alternation import Burst
from benchmarks.peers.engines.bundle_models import BUNDLES, write_model_folder
from benchmarks.peers.engines.contestants import CONTESTANTS, OUR_NAME, contestants_for
from benchmarks.peers.engines.environments import ENGINE_ENVIRONMENTS
from benchmarks.peers.engines.heat import Candidate, HeatPlan, run_heat
from benchmarks.peers.engines.model_files import Workshop, contestant_file, contestant_python
from benchmarks.peers.engines.record import EngineComparison, Heat, read_engines, write_engines
from benchmarks.peers.engines.table import engines_table
from benchmarks.peers.engines.whole_pipeline import time_pipeline
from benchmarks.peers.quantizers.bar_model import BarModelFolder, read_bar_model
from benchmarks.peers.quantizers.environments import installed_versions
from edge.errors import EdgeError, UsageError

__all__ = ["MODELS", "main"]

MODELS = (
    "chest_xray",
    "disease_risk_lstm",
    "ecg_cnn",
    "efficientnet_lite0",
    "mobilenet_v3",
    "resnet50",
    "vit_tiny",
)
"""Compared on where none is named."""

_PIPELINE_ANSWERS = 200


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command line asks for."""

    names: tuple[str, ...]
    threads: tuple[int, ...]
    is_timed: bool
    plan: HeatPlan


class _Recorder:
    """The comparison so far; every heat is on disk before the next begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found = read_engines(path)

    def update(self, change: Callable[[EngineComparison], EngineComparison]) -> None:
        self.found = change(self.found)
        write_engines(self.found, self.path)
        write_file(self.path.with_suffix(".md"), engines_table(self.found).encode())

    def add_heat(self, heat: Heat) -> None:
        self.update(lambda found: found.with_heat(heat))


@click.command()
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--models", default=",".join(MODELS), show_default=True, help="By comma.")
@click.option("--only", default="", help=f"By comma, of {', '.join(CONTESTANTS)}; all if empty.")
@click.option("--threads", default=(1, 2), multiple=True, show_default=True)
@click.option("--rounds", default=9, show_default=True, help="Turns that count.")
@click.option("--burst", default=0.25, show_default=True, help="Seconds of a turn.")
@click.option("--most", default=60, show_default=True, help="Inferences of a turn at most.")
@click.option("--examples", default=24, show_default=True, help="Answered and timed.")
@click.option("--seed", default=1, show_default=True, help="Of the order of turns.")
@click.option("--limit", default=1200.0, show_default=True, help="Seconds for one converter.")
@click.option("--time/--no-time", "is_timed", default=True, help="Or make the files only.")
@click.option("--cause", multiple=True, help="MODEL=TEXT: why ours is slower there; kept.")
def main(work: Path, out: Path, models: str, only: str, **options: Any) -> None:
    """Run the same models on the same inputs through edgedx and other engines, in turns."""
    try:
        recorder = _Recorder(out)
        recorder.update(lambda found: replace(found, machine=describe_machine()))
        _add_causes(recorder, options["cause"])
        plan = HeatPlan(
            threads=1,
            rounds=options["rounds"],
            burst=Burst(options["burst"], options["most"]),
            examples=options["examples"],
            seed=options["seed"],
        )
        names = _names(only)
        wanted = _Wanted(names, tuple(options["threads"]), options["is_timed"], plan)
        workshop = Workshop(work.resolve(), options["limit"])
        for name in filter(None, models.split(",")):
            _compare(recorder, name, wanted, workshop)
        recorder.update(lambda found: replace(found, environments=_environments(workshop)))
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


def _names(only: str) -> tuple[str, ...]:
    names = tuple(filter(None, only.split(",")))
    unknown = sorted(set(names) - set(CONTESTANTS))
    if unknown:
        raise UsageError(f"--only '{unknown[0]}' is unknown; give of {', '.join(CONTESTANTS)}")
    return names if not names or OUR_NAME in names else (OUR_NAME, *names)


def _add_causes(recorder: _Recorder, causes: tuple[str, ...]) -> None:
    for each in causes:
        model, is_split, text = each.partition("=")
        if not is_split:
            raise UsageError(f"--cause '{each}' names no model; give MODEL=TEXT")
        held = {**recorder.found.causes, model: text}
        recorder.update(lambda found, held=held: replace(found, causes=held))  # type: ignore[misc]


def _compare(recorder: _Recorder, name: str, wanted: _Wanted, workshop: Workshop) -> None:
    model = _model(name, workshop)
    candidates = _candidates(model, wanted, workshop)
    if not wanted.is_timed:
        return
    for threads in wanted.threads:
        plan = replace(wanted.plan, threads=threads)
        scratch = workshop.folder / "engines" / name
        heat = run_heat(model, candidates, plan, scratch, click.echo)
        if name in BUNDLES:
            taken, engine = time_pipeline(
                BUNDLES[name].bundle, threads=threads, answers=_PIPELINE_ANSWERS
            )
            heat = replace(heat, pipeline_ns=taken, pipeline_engine=engine)
        recorder.add_heat(heat)


def _model(name: str, workshop: Workshop) -> BarModelFolder:
    folder = workshop.folder / name
    if name in BUNDLES:
        folder = write_model_folder(BUNDLES[name], workshop.folder)
    if not folder.is_dir():
        raise UsageError(f"no model {folder}; make it with benchmarks.zoo.bar_models")
    return read_bar_model(folder)


def _candidates(
    model: BarModelFolder, wanted: _Wanted, workshop: Workshop
) -> tuple[Candidate, ...]:
    found = []
    for contestant in contestants_for(model.facts.family, wanted.names):
        nowhere = Path()
        try:
            file = contestant_file(contestant, model, workshop)
            python = contestant_python(contestant, workshop)
            found.append(Candidate(contestant, python, file))
            click.echo(f"{model.facts.name}: {contestant.key}: {file.name}")
        except EdgeError as error:
            found.append(Candidate(contestant, nowhere, nowhere, fault=str(error)))
            click.echo(f"{model.facts.name}: {contestant.key}: fault: {error}")
    return tuple(found)


def _environments(workshop: Workshop) -> dict[str, dict[str, str]]:
    pythons = {
        name: workshop.folder / "env" / name / "bin" / "python" for name in ENGINE_ENVIRONMENTS
    }
    made = {name: installed_versions(path) for name, path in pythons.items() if path.is_file()}
    return {"ours": installed_versions(Path(sys.executable)), **made}


if __name__ == "__main__":
    main()
