"""A graph's inputs and a card -> the manifest's inputs, and what had to be assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from edge.bundle.manifest import ImageInput, Input, NumberType, Resize, VectorInput
from edge.errors import UnsupportedInputError, UsageError
from quantize.graph import FloatGraph
from quantize.model_card import ModelCard

__all__ = ["describe_inputs"]

_PICTURE_RANK = 4
_CHANNEL_COUNTS = frozenset({1, 3})
_FIXED_KEYS = frozenset({"name", "shape", "dtype"})


def describe_inputs(graph: FloatGraph, card: ModelCard, assumed: list[str]) -> tuple[Input, ...]:
    """Say of every input how it is made of what a user gives.

    A card's `inputs` decide. Without a word there, an input of four axes, 1 or 3 of them
    channels, is a picture that the card's colour, scale, mean, std and resize describe; anything
    else is numbers that are taken as they are.

    Args:
        graph: the float graph.
        card: what the maker says.
        assumed: gets one sentence for each thing that nobody said.

    Raises:
        UnsupportedInputError: an input of a type that cannot be fed.
        UsageError: the card contradicts the graph, or leaves the pixels' values unsaid.
    """
    said = card.inputs or {}
    unknown = sorted(set(said) - set(graph.inputs))
    if unknown:
        raise UsageError(
            f"card: inputs names '{unknown[0]}'; the model's inputs are {', '.join(graph.inputs)}"
        )
    return tuple(_describe(graph, name, card, assumed) for name in graph.inputs)


def _describe(graph: FloatGraph, name: str, card: ModelCard, assumed: list[str]) -> Input:
    said = (card.inputs or {}).get(name)
    if said is not None:
        return _stated_input(graph, name, said)
    layout = _picture_layout(graph.shapes[name])
    if layout is not None and graph.is_float(name):
        return _picture(graph, name, layout, card, assumed)
    assumed.append(
        f"card inputs: '{name}' {list(graph.shapes[name])} is numbers, taken as they are"
    )
    return VectorInput(name=name, shape=graph.shapes[name], dtype=_number_type(graph, name))


def _number_type(graph: FloatGraph, name: str) -> NumberType:
    for each in get_args(NumberType):
        if graph.dtype(name) == each:
            kind: NumberType = each
            return kind
    raise UnsupportedInputError(
        f"model input '{name}' is {graph.dtype(name)}; {', '.join(get_args(NumberType))} are fed"
    )


def _stated_input(graph: FloatGraph, name: str, said: Mapping[str, Any]) -> Input:
    given = sorted(_FIXED_KEYS & set(said))
    if given:
        raise UsageError(f"card: inputs.{name} says {given[0]}, which the model says; leave it out")
    whole = {**said, "name": name, "shape": list(graph.shapes[name])}
    if said.get("kind") != "image":
        whole["dtype"] = _number_type(graph, name)
    try:
        found: Input = msgspec.convert(whole, Input, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(f"card: inputs.{name}: {error}") from error
    return found


def _picture_layout(shape: tuple[int, ...]) -> Literal["NCHW", "NHWC"] | None:
    if len(shape) != _PICTURE_RANK:
        return None
    if shape[1] in _CHANNEL_COUNTS:
        return "NCHW"
    return "NHWC" if shape[3] in _CHANNEL_COUNTS else None


def _picture(
    graph: FloatGraph,
    name: str,
    layout: Literal["NCHW", "NHWC"],
    card: ModelCard,
    assumed: list[str],
) -> ImageInput:
    shape = graph.shapes[name]
    channels, (height, width) = shape[1], shape[2:]
    if layout == "NHWC":
        channels, (height, width) = shape[3], shape[1:3]
    if card.scale is None and card.mean is None and card.std is None:
        raise UsageError(
            "what the input values mean is not said; give --scale, --mean and --std (pixels "
            "0..255 become (pixel * scale - mean) / std), or --scale 1 for the pixels themselves"
        )
    return ImageInput(
        name=name,
        shape=(shape[0], shape[1], shape[2], shape[3]),
        layout=layout,
        colour=_colour(card, channels, assumed),
        resize=_resize(card, width, height, assumed),
        scale=1.0 if card.scale is None else float(card.scale),
        mean=_one_a_channel("mean", card.mean or (0.0,), channels),
        std=_one_a_channel("std", card.std or (1.0,), channels),
    )


def _colour(card: ModelCard, channels: int, assumed: list[str]) -> Literal["grey", "rgb", "bgr"]:
    colour = card.colour
    if colour is None:
        colour = "grey" if channels == 1 else "rgb"
        if channels != 1:
            assumed.append(f"--colour {colour}: {channels} channels, red first")
    if (colour == "grey") != (channels == 1):
        raise UsageError(f"colour is {colour}, but the model has {channels} channels")
    return colour


def _resize(card: ModelCard, width: int, height: int, assumed: list[str]) -> Resize:
    if card.resize is None:
        assumed.append(f"--resize stretch: pictures become {width}x{height}, aspect not kept")
    return Resize(
        width=width,
        height=height,
        rule=card.resize or "stretch",
        interpolation=card.interpolation or "linear_exact",
        antialias=True if card.antialias is None else card.antialias,
        crop_fraction=1.0 if card.crop_fraction is None else float(card.crop_fraction),
        pad_value=card.pad_value or 0,
    )


def _one_a_channel(name: str, numbers: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(numbers) not in {1, channels}:
        raise UsageError(
            f"{name} has {len(numbers)} numbers; give one, or one a channel ({channels})"
        )
    if name == "std" and min(numbers) <= 0:
        raise UsageError(f"std is {min(numbers):g}; it must be above 0")
    return tuple(float(each) for each in numbers)
