"""Real pictures with what each artifact answers, for `edge-run selftest`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from edge.bundle.manifest import GoldenExample, GoldenOutput
from edge.errors import InputError
from edge.frame import Frame
from edge.pipeline import Model
from quantize.artifacts import BuiltArtifact, open_artifact

if TYPE_CHECKING:
    from quantize.describe_model import ModelDescription

__all__ = ["golden_examples"]


def golden_examples(
    artifacts: Sequence[BuiltArtifact],
    description: ModelDescription,
    pictures: Sequence[tuple[Path, Frame]],
) -> tuple[GoldenExample, ...]:
    """Run every artifact on every golden picture.

    Args:
        artifacts: the bundle's model files.
        description: how they are fed and read.
        pictures: file and decoded picture.

    Returns:
        One entry a picture; its `input` is "golden/NN" with the file's suffix.

    Raises:
        EngineError: an engine is missing or fails.
        InputError: the artifacts do not see the same tensor.
    """
    with ExitStack() as stack:
        models = [stack.enter_context(open_artifact(each, description)) for each in artifacts]
        return tuple(
            _golden_example(models, f"golden/{at:02d}{path.suffix.lower()}", frame)
            for at, (path, frame) in enumerate(pictures)
        )


def _golden_example(models: Sequence[Model], name: str, frame: Frame) -> GoldenExample:
    digests = {model.tensor_sha256(frame) for model in models}
    if len(digests) != 1:
        raise InputError(f"{frame.source}: preprocessing differs between the artifacts")
    outputs = [
        GoldenOutput(
            artifact=model.parts.artifact.path,
            name=output,
            shape=tuple(values.shape),
            values=tuple(float(value) for value in values.reshape(-1)),
        )
        for model in models
        for output, values in model.output_values(frame).items()
    ]
    return GoldenExample(input=name, tensor_sha256=digests.pop(), outputs=tuple(outputs))
