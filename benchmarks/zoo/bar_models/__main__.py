"""`python -m benchmarks.zoo.bar_models DIR [NAME ...]`: make the models of the bars."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from edge.errors import EdgeError

__all__ = ["main"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("names", nargs=-1)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data"),
    show_default=True,
    help="The labelled data folder.",
)
@click.option("--threads", default=2, show_default=True, help="For training.")
def main(folder: Path, names: tuple[str, ...], data: Path, threads: int) -> None:
    """Make the models NAMES (all, if none is named) in FOLDER/NAME."""
    import torch

    from benchmarks.zoo.bar_models.recipes import RECIPES, make_model

    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        raise click.UsageError(f"no model {unknown}; there are {', '.join(RECIPES)}")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    try:
        for name in names or RECIPES:
            begun = time.monotonic()
            difference = make_model(name, data, folder / name)
            seconds = time.monotonic() - begun
            click.echo(f"{name}: {seconds:.0f} s, {difference:.1e} deviations from PyTorch")
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
