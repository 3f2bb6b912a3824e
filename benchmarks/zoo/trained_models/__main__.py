"""`python -m benchmarks.zoo.trained_models WORK`: every trained model through `edge-quantize`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmarks.atomic_file import write_file
from benchmarks.environment import describe_machine
from benchmarks.zoo.trained_models.keras_tasks import KERAS_TASKS
from benchmarks.zoo.trained_models.picture_tasks import PICTURE_TASKS
from benchmarks.zoo.trained_models.record import (
    ModelRun,
    TrainedModelsRecord,
    write_trained_models,
)
from benchmarks.zoo.trained_models.run_task import run_task
from benchmarks.zoo.trained_models.series_tasks import SERIES_TASKS
from benchmarks.zoo.trained_models.table import trained_models_table
from benchmarks.zoo.trained_models.task import Places, Task
from edge.errors import EdgeError

__all__ = ["TASKS", "main"]

TASKS: dict[str, Task] = {each.name: each for each in (*SERIES_TASKS, *PICTURE_TASKS, *KERAS_TASKS)}
_COMMAND = "python -m benchmarks.zoo.trained_models WORK --torch-python PYTHON -o FILE.json"


@click.command()
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
@click.argument("names", nargs=-1, type=click.Choice(list(TASKS)))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data"),
    show_default=True,
    help="The labelled data folder.",
)
@click.option("--torch-python", type=click.Path(path_type=Path), help="Python that has torch.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
def main(
    work: Path, names: tuple[str, ...], data: Path, torch_python: Path | None, output: Path
) -> None:
    """Quantize the models NAMES (all, if none is named), made or found in the folder WORK.

    The record goes to OUTPUT, a table of it beside. Ends with exit code 1 where a bar is missed or
    a bundle could not be made.
    """
    work.mkdir(parents=True, exist_ok=True)
    # Not resolved: the Python of an environment is a link out of it.
    torch = None if torch_python is None else torch_python.absolute()
    places = Places(data.absolute(), work.absolute(), torch)
    runs: list[ModelRun] = []
    try:
        for name in names or TASKS:
            runs.append(run_task(TASKS[name], places))
            click.echo(_line(runs[-1]))
            # After each: what was measured outlives what comes later.
            record = TrainedModelsRecord(describe_machine(), _COMMAND, tuple(runs))
            write_trained_models(record, output)
            write_file(output.with_suffix(".md"), trained_models_table(record).encode("utf-8"))
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    is_kept = all(each.skipped or (each.figures and all(each.bars.values())) for each in runs)
    sys.exit(0 if is_kept else 1)


def _line(run: ModelRun) -> str:
    if run.skipped:
        return f"{run.name}: SKIPPED: {run.skipped}"
    missed = [bar for bar, is_kept in run.bars.items() if not is_kept]
    state = f"missed {'; '.join(missed)}" if missed else "every bar met"
    if not run.bars:
        state = "no labels" if run.figures else f"NOT MADE: {run.said}"
    return f"{run.name}: {state} ({run.seconds} s, exit code {run.exit_code})"


if __name__ == "__main__":
    main()
