"""The source model, understood: its file, its float graph, and how it is fed and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantize.artifacts import BuiltArtifact, source_artifact
from quantize.describe_model import ModelDescription, describe_model
from quantize.graph import FloatGraph
from quantize.importers.any_model import load_any_model
from quantize.importers.onnx_importer import import_model
from quantize.model_card import ModelCard

__all__ = ["SourceModel", "read_source_model"]


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A model before anything is done to it.

    Attributes:
        path: its file.
        model: static `onnx.ModelProto`, batch 1.
        graph: the canonical float graph made of it.
        description: how it is fed and read.
    """

    path: Path
    model: Any
    graph: FloatGraph
    description: ModelDescription

    def artifact(self) -> BuiltArtifact:
        """The source itself, to be run as an artifact is."""
        return source_artifact(
            self.model.SerializeToString(), self.description.inputs, self.description.outputs
        )


def read_source_model(
    path: Path,
    card: ModelCard,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    *,
    assumes_no_padding: bool = False,
) -> SourceModel:
    """Read a model of any supported kind.

    Raises:
        InputError: it cannot be read, or uses what is not supported.
        UsageError: the card contradicts it, or leaves unsaid what must be said.
    """
    model = load_any_model(path, input_shapes=input_shapes, assume_no_padding=assumes_no_padding)
    graph = import_model(model)
    return SourceModel(path, model, graph, describe_model(graph, card))
