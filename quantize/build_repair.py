"""How far the repair ladder is climbed for a bundle, and by what that is judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from quantize.artifacts import BuiltArtifact, open_artifact, write_artifacts
from quantize.calibration import Calibration, TensorRange, calibrate
from quantize.calibration_options import CalibrationOptions
from quantize.evaluation.answers import collect_answers
from quantize.evaluation.label_views import label_views
from quantize.evaluation.ranking import auroc
from quantize.evaluation.scores import scores_of
from quantize.graph import FloatGraph
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.quantizer import quantize_graph
from quantize.repair.ladder import LadderOptions, LadderResult, climb
from quantize.repair.rungs import FULL_RUNGS
from quantize.report.model import LadderStep, RangeEntry

if TYPE_CHECKING:
    from edge.bundle.manifest import Input, Output
    from quantize.build_request import BuildRequest
    from quantize.evaluation.evaluation import Evaluation
    from quantize.examples.model_examples import ModelExamples
    from quantize.labelled_data import LabelledData
    from quantize.repair.ladder import StageProgress

__all__ = ["DropMeter", "final_ranges", "ladder_steps", "quantize_for", "shortfall"]

_MOST_MEASURED = 512
_LADDER, _KNOWN = "repair ladder", "all a pixel can be"


class DropMeter:
    """By how much the mean AUROC over labels falls from the float model to an int8 ONNX file.

    Args:
        source: the float model.
        inputs: how the int8 file is fed.
        outputs: how it is read.
        data: labelled examples; at most 512 of them, evenly spaced, are looked at.
    """

    def __init__(
        self,
        source: BuiltArtifact,
        inputs: tuple[Input, ...],
        outputs: tuple[Output, ...],
        data: LabelledData,
    ) -> None:
        count = min(len(data), _MOST_MEASURED)
        self._data = data.part([at * len(data) // count for at in range(count)])
        self._inputs, self._outputs = inputs, outputs
        self._before = self._mean_auroc(source)

    def __call__(self, quantized: QuantizedGraph) -> float:
        """The fall; negative where int8 ranks better."""
        spans = dict.fromkeys(quantized.graph.outputs, 1.0)
        artifact, _ = write_artifacts(quantized, self._inputs, self._outputs, spans)
        return self._before - self._mean_auroc(artifact)

    def _mean_auroc(self, artifact: BuiltArtifact) -> float:
        output = self._outputs[0]
        with open_artifact(artifact) as model:
            answers = collect_answers({"model": model}, self._data, output)
        values = answers.values["model"]
        truth = self._data.truth[answers.positions]
        scores = scores_of(values, output)
        found = [
            auroc(scores[view.known, view.column], view.positive)
            for view in label_views(truth, output.labels, output.kind)
            if view.has_both
        ]
        return float(np.mean(found)) if found else 0.0


def quantize_for(
    request: BuildRequest,
    graph: FloatGraph,
    examples: ModelExamples,
    *,
    known_ranges: Mapping[str, TensorRange],
    meter: Callable[[], DropMeter] | None,
    progress: StageProgress,
) -> tuple[QuantizedGraph, LadderResult | None]:
    """Calibrate, quantize and repair as far as the request asks.

    The cheap rungs are always climbed; the others only where int8 then still costs more than
    allowed, or where all are asked for.

    Returns:
        The graph that is written, and what led to it; None where nothing was repaired.

    Raises:
        EdgeError: the graph cannot be quantized.
    """
    plan = plan_precisions(graph)
    if Precision.INT8 not in plan.values():
        return quantize_graph(graph, known_ranges, plan), None
    if request.repair == "none":
        ranges = calibrate(
            graph,
            examples,
            options=request.ranges,
            precisions=plan,
            progress=lambda done, total: progress("calibrate", done, total),
            checkpoint=request.checkpoint,
        )
        return quantize_graph(graph, {**ranges, **known_ranges}, plan), None
    options = LadderOptions(
        max_drop=request.max_drop,
        precisions=plan,
        known_ranges=known_ranges,
        calibration=request.ranges,
        checkpoint=request.checkpoint,
    )
    measure = meter() if meter is not None and request.repair == "auto" else None
    if request.repair == "auto":
        found = climb(graph, examples, options, progress=progress)
        if measure is None or measure(found.quantized) <= request.max_drop:
            return found.quantized, found
    full = replace(options, rungs=FULL_RUNGS)
    # "full" is every rung, judged by the outputs alone: what is measured would end the climb as
    # soon as it is small enough.
    found = climb(graph, examples, full, measure=measure, progress=progress)
    return found.quantized, found


def ladder_steps(result: LadderResult | None) -> tuple[LadderStep, ...]:
    """The steps as the report shows them."""
    if result is None:
        return ()
    return tuple(
        LadderStep(each.rung, each.before, each.after, each.is_kept, each.seconds)
        for each in result.steps
    )


def final_ranges(
    quantized: QuantizedGraph,
    examples: ModelExamples,
    options: CalibrationOptions,
    *,
    known: Collection[str] = (),
    by_ladder: bool,
) -> tuple[RangeEntry, ...]:
    """What was seen of every quantized activation of the final graph, and what it covers.

    Args:
        quantized: the final graph.
        examples: that it was calibrated on.
        options: of the calibration.
        known: activations whose range was never measured.
        by_ladder: whether the repair ladder chose the ranges, by what they do to the outputs.
    """
    if Precision.INT8 not in {quantized.precision(node) for node in quantized.graph.nodes}:
        return ()
    seen: Calibration = calibrate(
        quantized.graph, examples, options=options, precisions=quantized.precisions
    )
    entries: list[RangeEntry] = []
    for name, tensor in seen.tensors.items():
        params = quantized.activations[name]
        low, high = ((end - params.zero_point) * params.scale for end in (0, 255))
        method = _LADDER if by_ladder else tensor.method.value
        method = _KNOWN if name in known else method
        entries.append(RangeEntry(name, *tensor.observed, low, high, method))
    return tuple(entries)


def shortfall(
    evaluation: Evaluation | None, artifacts: tuple[str, ...], request: BuildRequest
) -> str:
    """By how much int8 costs more than allowed, one sentence; "" where it does not."""
    if evaluation is None:
        return ""
    drops = {
        each.model: -each.macro_auroc_difference.value
        for each in evaluation.comparisons
        if each.model in artifacts and each.macro_auroc_difference is not None
    }
    worst = max(drops, key=drops.__getitem__, default="")
    over = drops.get(worst, 0.0) - request.max_drop
    if not worst or over <= 0:
        return ""
    tried = (
        "and nothing was repaired; leave out --repair none"
        if request.repair == "none"
        else "and nothing on the repair ladder brought it nearer; inspect the layers "
        "(edge-quantize inspect)"
    )
    return (
        f"{worst} loses {drops[worst]:.4f} of mean AUROC, {over:.4f} more than --max-drop "
        f"{request.max_drop:g}, {tried}, give more calibration examples, or allow more"
    )
