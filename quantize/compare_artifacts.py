"""Every artifact and the float model on the same pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from edge.bundle.manifest import Parity
from quantize.artifacts import BuiltArtifact, open_artifact
from quantize.parity import ParityMeter

if TYPE_CHECKING:
    from quantize.describe_model import ModelDescription
    from quantize.image_examples import ImageExamples

__all__ = ["compare_artifacts"]


def compare_artifacts(
    source: BuiltArtifact,
    artifacts: Sequence[BuiltArtifact],
    *,
    description: ModelDescription,
    examples: ImageExamples,
    progress: Callable[[int, int], None],
) -> tuple[Parity, ...]:
    """Run the float model and every artifact over the examples, one picture at a time.

    Args:
        source: the float model.
        artifacts: what was made of it.
        description: how they are fed and read.
        examples: pictures; those that cannot be read are left out.
        progress: told how many of how many pictures are done.

    Returns:
        One entry for each artifact.

    Raises:
        EngineError: an engine is missing or fails.
        InputError: no picture can be read.
    """
    meters = [ParityMeter(each.entry.path, (description.output,)) for each in artifacts]
    with ExitStack() as stack:
        reference = stack.enter_context(open_artifact(source, description))
        models = [stack.enter_context(open_artifact(each, description)) for each in artifacts]
        for done, (_, frame) in enumerate(examples.frames(), start=1):
            wanted = reference.output_values(frame)
            for meter, model in zip(meters, models, strict=True):
                meter.update(wanted, model.output_values(frame))
            progress(done, len(examples))
    return tuple(meter.result() for meter in meters)
