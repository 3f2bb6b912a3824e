"""Options that several commands of `edge-quantize` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

__all__ = ["card_options", "source_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def source_options(command: Command) -> Command:
    """What every command needs to read a model and examples."""
    options = [
        click.option(
            "--calib",
            multiple=True,
            metavar="DIR",
            help="Real inputs: a folder, a glob pattern, a file, an .npz of many, a video, a "
            "camera. May be given again.",
        ),
        click.option("--card", metavar="FILE.json", help="JSON object of what these options say."),
        click.option("--labels", metavar="A,B,...", help="Names of the outputs, in order."),
        click.option("--labels-file", metavar="FILE", help="The same, one a line."),
        click.option("--kind", type=click.Choice(["classification", "multilabel", "regression"])),
        click.option("--activation", type=click.Choice(["none", "softmax", "sigmoid"])),
        click.option("--temperature", type=float, help="Divides outputs before the activation."),
        click.option("--thresholds", metavar="T[,T...]", help="Multilabel: one a label, 0 to 1."),
        click.option("--unit", help="Regression: unit of the values."),
        click.option("--colour", type=click.Choice(["grey", "rgb", "bgr"]), help="Of the model."),
        click.option("--scale", type=float, help="Factor on pixels in 0..255, before --mean."),
        click.option("--mean", metavar="M[,M,M]", help="Subtracted from scaled pixels."),
        click.option("--std", metavar="S[,S,S]", help="Divides after --mean."),
        click.option("--resize", type=click.Choice(["stretch", "letterbox", "crop", "exact"])),
        click.option(
            "--shape",
            "shapes",
            multiple=True,
            metavar="NAME=1,C,H,W",
            help="An input's shape, where the model leaves it open. May be given again.",
        ),
        click.option("--max-examples", type=click.IntRange(min=1), default=300, show_default=True),
        click.option(
            "--range-method",
            type=click.Choice(["auto", "minmax", "moving-average", "percentile", "entropy", "mse"]),
            default="auto",
            show_default=True,
            help="How the range of an activation is chosen; auto: by tensor, by error.",
        ),
        click.option(
            "--percentile",
            type=float,
            metavar="P",
            help="For --range-method percentile: per cent that stay inside.  [default: 99.99]",
        ),
        click.option(
            "--assume-no-padding",
            is_flag=True,
            help="Take masks of a Keras model as if no step were padded.",
        ),
        click.option("--no-pixels", is_flag=True, help="Leave normalisation out of the graph."),
        click.option("--debug", is_flag=True, help="Show tracebacks."),
    ]
    return _with(command, options)


def card_options(command: Command) -> Command:
    """What a bundle says of its model, beyond what is needed to run it."""
    options = [
        click.option("--name", help="Name of the model. Default: the file's name."),
        click.option("--version", "version", help="Version of the model."),
        click.option("--task", help="What the model does, in a few words."),
        click.option("--intended-use", help="What the model is for, one sentence."),
        click.option("--licence", help="Licence of the bundle."),
        click.option("--limit", "limits", multiple=True, help="What it is not for. Repeatable."),
        click.option("--attribution", multiple=True, help="Whom to name. May be given again."),
    ]
    return _with(command, options)


def _with(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
