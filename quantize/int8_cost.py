"""What int8 costs in decisions: measured while repairing, and held against the user's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantize.artifacts import BuiltArtifact, open_artifact, write_artifacts
from quantize.evaluation.answers import collect_answers
from quantize.evaluation.label_views import label_views
from quantize.evaluation.proportion import wilson_interval
from quantize.evaluation.ranking import auroc
from quantize.evaluation.scores import decide, scores_of
from quantize.quantized_graph import QuantizedGraph
from quantize.repair.cost import Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from edge.bundle.manifest import Input, Output, Parity
    from quantize.build_request import BuildRequest
    from quantize.evaluation.answers import Answers
    from quantize.evaluation.evaluation import Comparison, Evaluation
    from quantize.labelled_data import LabelledData

__all__ = ["CostMeter", "far_from_float", "flips_in_doubt", "shortfall"]

_MOST_MEASURED = 512
_LEAST_AGREEMENT, _LEAST_SNR_DB = 0.95, 15.0
"""Below either, answers without any label already show that int8 is another model."""


class CostMeter:
    """What an int8 ONNX file costs against the float model, at the float operating point.

    Args:
        source: the float model.
        inputs: how the int8 file is fed.
        outputs: how it is read.
        data: labelled examples, none of which is reported; at most 512 of them, evenly spaced,
            are looked at.
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
        self._before = self._answers(source)

    def __call__(self, quantized: QuantizedGraph) -> Cost:
        """Fall of the mean AUROC over labels, negative where int8 ranks better; share of flips."""
        spans = dict.fromkeys(quantized.graph.outputs, 1.0)
        artifact, _ = write_artifacts(quantized, self._inputs, self._outputs, spans)
        found = self._answers(artifact)
        drop = self._mean_auroc(self._before) - self._mean_auroc(found)
        if self._outputs[0].kind == "regression":
            return Cost(drop, 0.0)
        flips = self._decisions(self._before) != self._decisions(found)
        return Cost(drop, float(flips.mean()))

    def _answers(self, artifact: BuiltArtifact) -> Answers:
        with open_artifact(artifact) as model:
            return collect_answers({"model": model}, self._data, self._outputs[0])

    def _decisions(self, answers: Answers) -> NDArray[np.int64]:
        output = self._outputs[0]
        return decide(scores_of(answers.values["model"], output), output)

    def _mean_auroc(self, answers: Answers) -> float:
        output = self._outputs[0]
        scores = scores_of(answers.values["model"], output)
        found = [
            auroc(scores[view.known, view.column], view.positive)
            for view in label_views(self._data.truth[answers.positions], output.labels, output.kind)
            if view.has_both
        ]
        return float(np.mean(found)) if found else 0.0


def shortfall(
    evaluation: Evaluation | None, artifacts: tuple[str, ...], request: BuildRequest
) -> str:
    """By how much int8 costs more than allowed, one sentence; "" where it does not.

    What is held against `max_drop` is the fall of the mean AUROC over labels, or for values that of
    R², the share of their variance that is explained. Flips count where their interval lies above
    the limit: of a few decisions one more or less is chance, which `flips_in_doubt` says.
    """
    compared = _compared(evaluation, artifacts)
    tried = (
        "and nothing was repaired; leave out --repair none"
        if request.repair == "none"
        else "and nothing more on the repair ladder brings it nearer; inspect the layers "
        "(edge-quantize inspect)"
    )
    drops = {each.model: _drop(evaluation, each) for each in compared} if evaluation else {}
    worst = max(drops, key=drops.__getitem__, default="")
    over = drops.get(worst, 0.0) - request.max_drop
    if evaluation is not None and over > 0:
        is_value = evaluation.kind == "regression"
        more = (
            "climb all of it with --repair full, " if is_value and request.repair != "full" else ""
        )
        return (
            f"{worst} loses {drops[worst]:.4f} of {'R²' if is_value else 'mean AUROC'}, {over:.4f} "
            f"more than --max-drop {request.max_drop:g}, {tried}, {more}give more calibration "
            "examples, or allow more"
        )
    for name, changed, total in _over(compared, request.max_flips):
        low, high = wilson_interval(changed, total)
        if low > request.max_flips:
            return (
                f"{_changed(name, changed, total)} (95 % interval {low:.1%} to {high:.1%}), more "
                f"than --max-flips {request.max_flips:g}, {tried}, give more calibration "
                "examples, ship the float model, or allow more"
            )
    return ""


def flips_in_doubt(
    evaluation: Evaluation | None, artifacts: tuple[str, ...], request: BuildRequest
) -> str:
    """That flips are over the limit by what may be chance, one sentence; "" where not."""
    for name, changed, total in _over(_compared(evaluation, artifacts), request.max_flips):
        low, high = wilson_interval(changed, total)
        if low <= request.max_flips:
            return (
                f"{_changed(name, changed, total)}, over --max-flips {request.max_flips:g}, but "
                f"of {total} that may be chance (95 % interval {low:.1%} to {high:.1%}): give "
                "more labelled examples to know"
            )
    return ""


def far_from_float(parity: Sequence[Parity], outputs: Sequence[Output]) -> tuple[str, ...]:
    """Which files answer so unlike the float model that it shows without labels, one sentence each.

    Args:
        parity: of the bundle's files, on the calibration examples.
        outputs: how their outputs are read; a value is no decision that could be the same.
    """
    has_decisions = all(each.kind != "regression" for each in outputs)
    return tuple(
        f"{each.artifact} is far from the float model on the calibration examples (same decision "
        f"{each.agreement:.1%}, SNR {each.snr_db:.1f} dB): judge it on labelled examples with "
        "--data"
        for each in parity
        if each.snr_db < _LEAST_SNR_DB or (has_decisions and each.agreement < _LEAST_AGREEMENT)
    )


def _drop(evaluation: Evaluation, compared: Comparison) -> float:
    """Fall of the mean AUROC, or of the mean R² of predicted values; 0 where there is neither."""
    if evaluation.kind != "regression":
        found = compared.macro_auroc_difference
        return 0.0 if found is None else -found.value
    before, after = (
        np.array([each.r_squared for each in evaluation.figures(name).regression.values()])
        for name in (compared.reference, compared.model)
    )
    falls = (before - after)[np.isfinite(before)]
    return float(falls.mean()) if falls.size else 0.0


def _compared(evaluation: Evaluation | None, artifacts: tuple[str, ...]) -> tuple[Comparison, ...]:
    found = () if evaluation is None else evaluation.comparisons
    return tuple(each for each in found if each.model in artifacts)


def _over(compared: tuple[Comparison, ...], limit: float) -> Iterator[tuple[str, int, int]]:
    """Model, changed decisions and all of them where they are over the limit, the worst first.

    The decisions are those that the bundle makes: at the refitted operating point if there is one.
    """
    found = []
    for each in compared:
        flips = each.refitted_flips or each.flips
        changed, total = (
            sum(flip.changed for flip in flips),
            sum(flip.examples for flip in flips),
        )
        if total and changed / total > limit:
            found.append((each.model, changed, total))
    yield from sorted(found, key=lambda each: -each[1] / each[2])


def _changed(name: str, changed: int, total: int) -> str:
    return f"{name} changes {changed} of {total} decisions ({changed / total:.1%})"
