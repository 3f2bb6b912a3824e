"""A graph and a card -> the manifest's inputs and outputs, and what had to be assumed."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from edge.bundle.manifest import ImageInput, Output, Resize
from edge.errors import UnsupportedInputError, UsageError
from quantize.graph import FloatGraph
from quantize.model_card import ModelCard

__all__ = ["ModelDescription", "describe_model"]

_PICTURE_RANK = 4
_DEFAULT_ACTIVATIONS: dict[str, Literal["none", "softmax", "sigmoid"]] = {
    "classification": "softmax",
    "multilabel": "sigmoid",
    "regression": "none",
}


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """How a model is fed and read.

    Attributes:
        input: how a picture becomes the model's input.
        output: how the model's output is read.
        assumed: what neither the model nor the card said, one sentence each.
    """

    input: ImageInput
    output: Output
    assumed: tuple[str, ...]


def describe_model(graph: FloatGraph, card: ModelCard) -> ModelDescription:
    """Put together what the graph shows and the card says.

    Raises:
        UnsupportedInputError: not one picture in, one vector out.
        UsageError: the card contradicts the graph, or leaves the pixels' values unsaid.
    """
    assumed: list[str] = []
    if len(graph.inputs) != 1 or len(graph.shapes[graph.inputs[0]]) != _PICTURE_RANK:
        shapes = ", ".join(f"{name} {list(graph.shapes[name])}" for name in graph.inputs)
        raise UnsupportedInputError(
            f"model inputs: {shapes}; only one picture [1, channels, height, width] is supported"
        )
    if len(graph.outputs) != 1:
        raise UnsupportedInputError(
            f"model outputs: {', '.join(graph.outputs)}; only models with one are supported"
        )
    return ModelDescription(
        input=_describe_input(graph, card, assumed),
        output=_describe_output(graph, card, assumed),
        assumed=tuple(assumed),
    )


def _describe_input(graph: FloatGraph, card: ModelCard, assumed: list[str]) -> ImageInput:
    name = graph.inputs[0]
    batch, channels, height, width = graph.shapes[name]
    if channels not in {1, 3}:
        raise UnsupportedInputError(
            f"model input '{name}' has shape {[batch, channels, height, width]}; "
            "1 or 3 channels are supported, channels first"
        )
    if card.scale is None and card.mean is None and card.std is None:
        raise UsageError(
            "what the input values mean is not said; give --scale, --mean and --std (pixels "
            "0..255 become (pixel * scale - mean) / std), or --scale 1 for the pixels themselves"
        )
    colour = card.colour
    if colour is None:
        colour = "grey" if channels == 1 else "rgb"
        if channels != 1:
            assumed.append(f"--colour {colour}: {channels} channels, red first")
    if (colour == "grey") != (channels == 1):
        raise UsageError(f"colour is {colour}, but the model has {channels} channels")
    if card.resize is None:
        assumed.append(f"--resize stretch: pictures become {width}x{height}, aspect not kept")
    resize = Resize(
        width=width,
        height=height,
        rule=card.resize or "stretch",
        interpolation=card.interpolation or "linear_exact",
        antialias=True if card.antialias is None else card.antialias,
        crop_fraction=1.0 if card.crop_fraction is None else float(card.crop_fraction),
        pad_value=card.pad_value or 0,
    )
    return ImageInput(
        name=name,
        shape=(batch, channels, height, width),
        layout="NCHW",
        colour=colour,
        resize=resize,
        scale=1.0 if card.scale is None else float(card.scale),
        mean=_one_a_channel("mean", card.mean or (0.0,), channels),
        std=_one_a_channel("std", card.std or (1.0,), channels),
    )


def _one_a_channel(name: str, numbers: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(numbers) not in {1, channels}:
        raise UsageError(
            f"{name} has {len(numbers)} numbers; give one, or one a channel ({channels})"
        )
    if name == "std" and min(numbers) <= 0:
        raise UsageError(f"std is {min(numbers):g}; it must be above 0")
    return tuple(float(each) for each in numbers)


def _describe_output(graph: FloatGraph, card: ModelCard, assumed: list[str]) -> Output:
    name = graph.outputs[0]
    count = prod(graph.shapes[name])
    labels = card.labels
    if labels is None:
        labels = tuple(f"output {index}" for index in range(count))
        assumed.append(f"--labels: the {count} outputs are numbered")
    if len(labels) != count:
        raise UsageError(f"{len(labels)} labels for {count} outputs of '{name}'; give one each")
    producer = graph.producer(name)
    last = producer.op if producer else ""
    kind = card.kind
    if kind is None:
        kind = "multilabel" if last == "Sigmoid" and count > 1 else "classification"
        assumed.append(f"--kind {kind}")
    activation = card.activation
    if activation is None:
        is_inside = last in {"Softmax", "Sigmoid"}
        activation = "none" if is_inside else _DEFAULT_ACTIVATIONS[kind]
        reason = f": the model ends with {last}" if is_inside else ""
        assumed.append(f"--activation {activation}{reason}")
    return Output(
        name=name,
        kind=kind,
        labels=labels,
        activation=activation,
        temperature=1.0 if card.temperature is None else float(card.temperature),
        thresholds=None if card.thresholds is None else tuple(map(float, card.thresholds)),
        unit=card.unit or "",
    )
