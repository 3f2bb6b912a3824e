"""Options of `edge-quantize` as text -> typed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.errors import UsageError
from quantize.model_card import ModelCard, card_from_values, read_card

__all__ = ["read_card_options", "read_names", "read_numbers", "read_shapes"]

_CARD_OPTIONS = (
    "name",
    "version",
    "task",
    "intended_use",
    "licence",
    "kind",
    "activation",
    "temperature",
    "unit",
    "colour",
    "scale",
    "resize",
)


def read_card_options(options: Mapping[str, Any]) -> ModelCard:
    """The card of `--card` with what the other options say over it.

    Raises:
        UsageError: names all faults together.
    """
    if options["labels"] and options["labels_file"]:
        raise UsageError("--labels and --labels-file are both given; give one")
    values = {key: options[key] for key in _CARD_OPTIONS if options[key] is not None}
    labels = _labels(options)
    if labels is not None:
        values["labels"] = labels
    for key in ("mean", "std", "thresholds"):
        if options[key] is not None:
            values[key] = read_numbers(f"--{key}", options[key])
    for key in ("limits", "attribution"):
        if options[key]:
            values[key] = list(options[key])
    card = read_card(Path(options["card"])) if options["card"] else ModelCard()
    return card_from_values(values, where="options").over(card)


def _labels(options: Mapping[str, Any]) -> list[str] | None:
    if options["labels"]:
        return [label.strip() for label in options["labels"].split(",")]
    if not options["labels_file"]:
        return None
    try:
        text = Path(options["labels_file"]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--labels-file cannot be read: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_numbers(option: str, text: str) -> list[float]:
    """Numbers parted by commas.

    Raises:
        UsageError: one is no number.
    """
    from edge.bare_model import parse_numbers

    return list(parse_numbers(option, text) or ())


def read_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]] | None:
    """`NAME=1,3,224,224`, each given once; None where none is given.

    Raises:
        UsageError: one is not of that form, or names an input twice.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.split(","))
        except ValueError as error:
            raise UsageError(f"--shape is {text!r}; give NAME=1,3,224,224") from error
        if name in shapes:
            raise UsageError(f"--shape names '{name}' twice; give each input once")
        shapes[name] = shape
    return shapes or None


def read_names(texts: Sequence[str], option: str) -> dict[str, str]:
    """`THEIRS=OURS`, each given once.

    Raises:
        UsageError: one is not of that form.
    """
    found: dict[str, str] = {}
    for text in texts:
        theirs, _, ours = text.partition("=")
        if not theirs or not ours:
            raise UsageError(f"{option} is {text!r}; give THEIRS=OURS")
        found[theirs] = ours
    return found
