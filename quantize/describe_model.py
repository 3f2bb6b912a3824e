"""A graph and a card -> the manifest's inputs and outputs, and what had to be assumed."""

from __future__ import annotations

from dataclasses import dataclass

from edge.bundle.manifest import ImageInput, Input, Output
from quantize.describe_inputs import describe_inputs
from quantize.describe_outputs import describe_outputs
from quantize.graph import FloatGraph
from quantize.model_card import ModelCard

__all__ = ["ModelDescription", "describe_model"]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """How a model is fed and read.

    Attributes:
        inputs: how what a user gives becomes the model's inputs.
        outputs: how the model's outputs are read.
        assumed: what neither the model nor the card said, one sentence each.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    assumed: tuple[str, ...] = ()

    @property
    def picture(self) -> ImageInput | None:
        """The input that is a picture, where exactly one is."""
        pictures = [each for each in self.inputs if isinstance(each, ImageInput)]
        return pictures[0] if len(pictures) == 1 else None


def describe_model(graph: FloatGraph, card: ModelCard) -> ModelDescription:
    """Put together what the graph shows and the card says.

    Raises:
        UnsupportedInputError: an input or output of a type that cannot be fed or read.
        UsageError: the card contradicts the graph, or leaves the pixels' values unsaid.
    """
    assumed: list[str] = []
    return ModelDescription(
        inputs=describe_inputs(graph, card, assumed),
        outputs=describe_outputs(graph, card, assumed),
        assumed=tuple(assumed),
    )
