"""Every artifact and the float model on the same examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from edge.bundle.manifest import Parity
from quantize.artifacts import BuiltArtifact, open_artifact
from quantize.examples.model_examples import ModelExamples
from quantize.parity import ParityMeter

__all__ = ["compare_artifacts"]


def compare_artifacts(
    source: BuiltArtifact,
    artifacts: Sequence[BuiltArtifact],
    *,
    examples: ModelExamples,
    progress: Callable[[int, int], None],
) -> tuple[Parity, ...]:
    """Run the float model and every artifact over the examples, one at a time.

    Args:
        source: the float model.
        artifacts: what was made of it.
        examples: real inputs; those that cannot be read are left out.
        progress: told how many of how many are done.

    Returns:
        One entry for each artifact.

    Raises:
        EngineError: an engine is missing or fails.
        InputError: no example can be read.
    """
    meters = [ParityMeter(each.entry.path, each.outputs) for each in artifacts]
    with ExitStack() as stack:
        reference = stack.enter_context(open_artifact(source))
        models = [stack.enter_context(open_artifact(each)) for each in artifacts]
        for done, (_, value) in enumerate(examples.values(), start=1):
            wanted = reference.output_values(value)
            for meter, model in zip(meters, models, strict=True):
                meter.update(wanted, model.output_values(value))
            progress(done, len(examples))
    return tuple(meter.result() for meter in meters)
