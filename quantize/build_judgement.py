"""Every file of a bundle and the float model on the same real examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.bundle.manifest import Parity
from quantize.artifacts import FLOAT_TFLITE, BuiltArtifact, open_artifact, write_float_tflite
from quantize.compare_artifacts import compare_artifacts
from quantize.evaluation.evaluate import evaluate_artifacts
from quantize.evaluation.options import EvaluationOptions

if TYPE_CHECKING:
    from quantize.build_request import BuildRequest
    from quantize.evaluation.evaluation import Evaluation
    from quantize.examples.model_examples import ModelExamples
    from quantize.labelled_data import LabelledData
    from quantize.source_model import SourceModel

__all__ = ["Judgement", "float_tflite", "judge_artifacts"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was measured of the files.

    Attributes:
        parity: of every file but the source, against it, on the calibration examples; of the float
            TFLite file only where there are no labels, which say more.
        evaluation: four ways on labelled data; None without.
    """

    parity: tuple[Parity, ...]
    evaluation: Evaluation | None

    def parity_of(self, artifacts: Sequence[BuiltArtifact]) -> tuple[Parity, ...]:
        """That of these files alone."""
        paths = {each.entry.path for each in artifacts}
        return tuple(each for each in self.parity if each.artifact in paths)


def float_tflite(source: SourceModel, artifacts: Sequence[BuiltArtifact]) -> BuiltArtifact:
    """The float model as TFLite: that of the bundle where it holds one.

    Raises:
        UnsupportedInputError: a node cannot be written.
    """
    for each in artifacts:
        if each.entry.path == FLOAT_TFLITE:
            return each
    description = source.description
    return write_float_tflite(source.graph, description.inputs, description.outputs)


def judge_artifacts(
    request: BuildRequest,
    source: SourceModel,
    artifacts: tuple[BuiltArtifact, ...],
    *,
    examples: ModelExamples,
    data: LabelledData | None,
    progress: Callable[[str, int, int], None],
) -> Judgement:
    """Run everything once over the calibration examples, and over labelled data where there is any.

    Args:
        request: what is built.
        source: the float model.
        artifacts: the bundle's files.
        examples: that they were calibrated on.
        data: what they are judged on; None for none.
        progress: told how far each stage is.

    Raises:
        EngineError: an engine is missing or fails.
        InputError: no example can be read.
    """
    reference = source.artifact()
    named = {each.entry.path: each for each in artifacts}
    floats = float_tflite(source, artifacts)
    four_ways = {floats.entry.path: floats, **named}
    parity = compare_artifacts(
        reference,
        tuple((four_ways if data is None else named).values()),
        examples=examples,
        progress=lambda done, total: progress("compare", done, total),
    )
    if data is None:
        return Judgement(parity, None)
    quantized = tuple(path for path, each in named.items() if each.entry.precision != "float32")
    with ExitStack() as stack:
        models = {
            path: stack.enter_context(open_artifact(each))
            for path, each in {reference.entry.path: reference, **four_ways}.items()
        }
        options = EvaluationOptions(
            reference=reference.entry.path,
            quantized=quantized or tuple(named),
            may_name=request.data is not None and request.data.may_name,
            progress=lambda done, total: progress("evaluate", done, total),
        )
        found = evaluate_artifacts(models, data, source.description.outputs[0], options)
    return Judgement(parity, found)
