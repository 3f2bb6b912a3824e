"""What a model file does not say of itself: labels, preprocessing, name, limits.

A card is a JSON object; the command line's options go over it. Nothing is guessed that would
change an answer: labels default to numbers, but the value range of the pixels must be said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from edge.errors import InputNotFoundError, UsageError

__all__ = ["ModelCard", "card_from_values", "read_card"]

Kind = Literal["classification", "multilabel", "regression"]
Activation = Literal["none", "softmax", "sigmoid"]

_NUMBER_LISTS = frozenset({"mean", "std", "thresholds"})
_TEXT_LISTS = frozenset({"labels", "limits", "attribution"})
_NUMBERS = frozenset({"scale", "temperature", "crop_fraction"})
_OBJECTS = frozenset({"inputs", "outputs"})
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": ("classification", "multilabel", "regression"),
    "activation": ("none", "softmax", "sigmoid"),
    "colour": ("grey", "rgb", "bgr"),
    "resize": ("stretch", "letterbox", "crop", "exact"),
    "interpolation": ("linear_exact", "nearest"),
}


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the maker says of a model; None where nothing was said.

    Attributes:
        name: of the model.
        version: of the model.
        task: what it does, in a few words.
        intended_use: one sentence.
        licence: of the bundle.
        limits: what it is not for.
        attribution: whom to name.
        labels: one a value of the output.
        kind: how the output is read.
        activation: what turns the output into scores.
        temperature: divides the output before the activation.
        thresholds: one a label, for multilabel.
        unit: of the values of a regression.
        colour: of the model's channels.
        scale: factor on pixels in 0..255, before `mean`.
        mean: one number, or one a channel.
        std: one number, or one a channel.
        resize: how a picture becomes the model's size.
        interpolation: of the resizing.
        antialias: whether shrinking is preceded by a low-pass.
        crop_fraction: for resize "crop".
        pad_value: 0..255, for resize "letterbox".
        inputs: by input name, what the manifest says of an input, but for its name, shape and
            type: kind (image | series | table | vector), channels, units, mean, gap rule, ...
        outputs: by output name, what the manifest says of an output but for its name; for models
            with several.
    """

    name: str | None = None
    version: str | None = None
    task: str | None = None
    intended_use: str | None = None
    licence: str | None = None
    limits: tuple[str, ...] | None = None
    attribution: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    kind: Kind | None = None
    activation: Activation | None = None
    temperature: float | None = None
    thresholds: tuple[float, ...] | None = None
    unit: str | None = None
    colour: Literal["grey", "rgb", "bgr"] | None = None
    scale: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    resize: Literal["stretch", "letterbox", "crop", "exact"] | None = None
    interpolation: Literal["linear_exact", "nearest"] | None = None
    antialias: bool | None = None
    crop_fraction: float | None = None
    pad_value: int | None = None
    inputs: Mapping[str, Mapping[str, Any]] | None = None
    outputs: Mapping[str, Mapping[str, Any]] | None = None

    def over(self, other: ModelCard) -> ModelCard:
        """This card, with what it leaves unsaid taken from another."""
        said: dict[str, Any] = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if getattr(self, each.name) is not None
        }
        return replace(other, **said)


def read_card(path: Path) -> ModelCard:
    """Read a card from a JSON file.

    Raises:
        InputNotFoundError: there is no such file.
        UsageError: not a JSON object, or wrong in the ways that the message lists.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path}: no such card file") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not readable as JSON: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path}: a card is a JSON object, not {type(values).__name__}")
    return card_from_values(values, where=str(path))


def card_from_values(values: Mapping[str, Any], *, where: str) -> ModelCard:
    """Check the values of a card and make one of them.

    Args:
        values: by the names of `ModelCard`'s attributes.
        where: said in messages.

    Raises:
        UsageError: names all faults together.
    """
    known = {each.name for each in fields(ModelCard)}
    faults = [
        f"unknown key '{key}' (known: {', '.join(sorted(known))})"
        for key in sorted(set(values) - known)
    ]
    faults += [
        f"{key} {fault}, not {json.dumps(values[key])[:80]}"
        for key in sorted(known & set(values))
        if (fault := _value_fault(key, values[key])) is not None
    ]
    if faults:
        raise UsageError(f"{where}: {'; '.join(faults)}")
    frozen: dict[str, Any] = {
        key: tuple(each) if isinstance(each, list) else each for key, each in values.items()
    }
    return ModelCard(**frozen)


def _value_fault(key: str, value: Any) -> str | None:
    if key in _CHOICES:
        return None if value in _CHOICES[key] else f"must be one of {', '.join(_CHOICES[key])}"
    if key in _NUMBER_LISTS:
        is_right = _is_list_of(value, (int, float))
        return None if is_right else "must be a list of numbers"
    if key in _TEXT_LISTS:
        return None if _is_list_of(value, (str,)) else "must be a list of texts"
    if key in _NUMBERS:
        return None if _is_a(value, (int, float)) else "must be a number"
    if key == "pad_value":
        return None if _is_a(value, (int,)) else "must be a whole number"
    if key in _OBJECTS:
        is_right = isinstance(value, Mapping) and all(
            isinstance(each, Mapping) for each in value.values()
        )
        return None if is_right else "must be an object of objects, by name"
    if key == "antialias":
        return None if isinstance(value, bool) else "must be true or false"
    return None if isinstance(value, str) else "must be a text"


def _is_a(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_list_of(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, (list, tuple)) and all(_is_a(each, kinds) for each in value)
