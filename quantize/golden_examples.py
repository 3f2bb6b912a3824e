"""Real inputs with what each artifact answers, for `edge-run selftest`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from edge.bundle.manifest import GoldenExample, GoldenOutput
from edge.errors import InputError
from edge.frame import Frame
from edge.pipeline import Model
from edge.records.record_writer import encode_picture, pack_record
from quantize.artifacts import BuiltArtifact, open_artifact
from quantize.examples.model_examples import Example, ExampleValue

if TYPE_CHECKING:
    from edge.bundle.manifest import Input

__all__ = ["GoldenFile", "golden_examples"]

GoldenFile = tuple[GoldenExample, bytes | Path]


def golden_examples(
    artifacts: Sequence[BuiltArtifact], chosen: Sequence[tuple[Example, ExampleValue]]
) -> tuple[GoldenFile, ...]:
    """Run every artifact on every golden input.

    Args:
        artifacts: the bundle's model files.
        chosen: the inputs, decoded.

    Returns:
        One entry an input, with its content; its `input` is "golden/NN" with a suffix.

    Raises:
        EngineError: an engine is missing or fails.
        InputError: the artifacts do not see the same tensor.
    """
    with ExitStack() as stack:
        models = [stack.enter_context(open_artifact(each)) for each in artifacts]
        return tuple(
            _golden_example(models, at, example, value)
            for at, (example, value) in enumerate(chosen)
        )


def _golden_example(
    models: Sequence[Model], at: int, example: Example, value: ExampleValue
) -> GoldenFile:
    digests = {model.tensor_sha256(value) for model in models}
    if len(digests) != 1:
        raise InputError(f"{example.name}: preprocessing differs between the artifacts")
    outputs = [
        GoldenOutput(
            artifact=model.parts.artifact.path,
            name=output,
            shape=tuple(values.shape),
            values=tuple(float(value) for value in values.reshape(-1)),
        )
        for model in models
        for output, values in model.output_values(value).items()
    ]
    suffix, content = _content(example, value, models[0].parts.inputs)
    entry = GoldenExample(
        input=f"golden/{at:02d}{suffix}", tensor_sha256=digests.pop(), outputs=tuple(outputs)
    )
    return entry, content


def _content(
    example: Example, value: ExampleValue, inputs: Sequence[Input]
) -> tuple[str, bytes | Path]:
    """A file that holds the input: its own, or an .npz of a record that other files are part of."""
    file = example.file
    if file is None and isinstance(value, Frame):
        file = Path(value.source)
    is_whole = file is not None and file.suffix.lower() != ".json"
    if file is not None and is_whole and file.is_file():
        return file.suffix.lower(), file
    if isinstance(value, Frame):
        # Pixels of an array are in no file of their own.
        return ".png", encode_picture(value)
    return ".npz", pack_record(value, inputs)
