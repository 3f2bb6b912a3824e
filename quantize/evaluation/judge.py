"""One sample of answers -> every figure of every model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.agreement import compare_outputs
from quantize.evaluation.bootstrap import FEWEST_GROUPS
from quantize.evaluation.evaluation import (
    Comparison,
    Evaluation,
    Figure,
    Flips,
    ModelFigures,
    OperatingPoint,
)
from quantize.evaluation.flips import class_flips, flipped_examples, label_flips
from quantize.evaluation.label_views import label_views
from quantize.evaluation.options import EvaluationOptions
from quantize.evaluation.probability_figures import calibration_figures, reliability_of
from quantize.evaluation.proportion import wilson_interval
from quantize.evaluation.regression import regression_figures
from quantize.evaluation.resampled_figures import Resampling, resample_figures
from quantize.evaluation.scores import decide, scores_of

if TYPE_CHECKING:
    from edge.bundle.manifest import Output
    from quantize.labelled_data import LabelledData

__all__ = ["Judge", "Sample"]

_FEWEST_TO_CLAIM = 10
"""Cases of a label below which its figures are said to be weak."""

Decisions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sample:
    """What is judged.

    Attributes:
        values: raw outputs (n, labels) by model, the reference among them.
        data: the n examples.
        indices: int64 (n,), position of each in the data as the user gave it.
        left_out: why, by name of an example that is not among them.
    """

    values: Mapping[str, NDArray[np.float64]]
    data: LabelledData
    indices: NDArray[np.int64]
    left_out: Mapping[str, str]


class Judge:
    """Makes the figures of one evaluation.

    Args:
        sample: what is judged.
        output: how outputs are read.
        options: with reference and quantized models named.
        point: the refitted operating point of the quantized models.
    """

    def __init__(
        self,
        sample: Sample,
        output: Output,
        options: EvaluationOptions,
        point: OperatingPoint | None,
    ) -> None:
        self._sample = sample
        self._truth = sample.data.truth
        self._output = output
        self._options = options
        self._point = point
        self._views = label_views(self._truth, output.labels, output.kind)
        drawing = Resampling(
            sample.data.groups, options.repeats, options.seed, options.specificities
        )
        self._resampled = resample_figures(sample.values, self._truth, output, drawing)

    def evaluation(self) -> Evaluation:
        """Everything found."""
        reference = self._options.reference
        others = [name for name in self._sample.values if name != reference]
        return Evaluation(
            kind=self._output.kind,
            labels=self._output.labels,
            examples=len(self._truth),
            groups=self._groups(),
            class_counts=self._sample.data.class_counts(),
            models=tuple(self._figures(name) for name in (reference, *others)),
            comparisons=tuple(self._compare(name) for name in others),
            operating_point=self._point,
            left_out=self._left_out(),
            findings=self._findings(),
        )

    def _groups(self) -> int:
        return len(set(self._sample.data.groups))

    def _figures(self, model: str) -> ModelFigures:
        raw, output, resampled = self._sample.values[model], self._output, self._resampled
        if output.kind == "regression":
            return self._regression(model)
        refitted = self._refitted_temperature(model)
        return ModelFigures(
            model=model,
            auroc=resampled.figures(model, "auroc"),
            macro_auroc=resampled.macro(model, "auroc"),
            accuracy=self._accuracy(model),
            sensitivity=resampled.sensitivities(model, self._options.specificities),
            calibration=calibration_figures(raw, self._truth, output, output.temperature),
            refitted_calibration=None
            if refitted is None
            else calibration_figures(raw, self._truth, output, refitted),
            reliability=reliability_of(raw, self._truth, output, refitted or output.temperature),
            curves=resampled.curves(model),
        )

    def _regression(self, model: str) -> ModelFigures:
        scores = scores_of(self._sample.values[model], self._output)
        known = np.isfinite(self._truth)
        return ModelFigures(
            model=model,
            regression={
                label: regression_figures(scores[known[:, at], at], self._truth[known[:, at], at])
                for at, label in enumerate(self._output.labels)
                if known[:, at].any()
            },
            mean_absolute_error=self._resampled.figures(model, "error"),
        )

    def _refitted_temperature(self, model: str) -> float | None:
        if self._point is None or model not in self._options.quantized:
            return None
        return self._point.temperature

    def _accuracy(self, model: str) -> Figure:
        """Wilson's interval where examples are independent, else the bootstrap's by group."""
        figure = self._resampled.figure(model, "accuracy", "")
        is_single = self._truth.ndim == 1 or self._truth.shape[1] == 1
        total = int(np.isfinite(self._truth).sum())
        if not is_single or self._groups() < len(self._truth):
            return figure
        low, high = wilson_interval(round(figure.value * total), total)
        return Figure(figure.value, low, high, interval="wilson")

    def _compare(self, model: str) -> Comparison:
        reference, resampled, output = self._options.reference, self._resampled, self._output
        raw, wanted = self._sample.values[model], self._sample.values[reference]
        comparison = Comparison(
            reference=reference, model=model, agreement=compare_outputs(wanted, raw, output)
        )
        if output.kind == "regression":
            return replace(
                comparison, error_difference=resampled.differences(model, reference, "error")
            )
        before = decide(scores_of(wanted, output), output)
        after = decide(scores_of(raw, output), output)
        return replace(
            comparison,
            auroc_difference=resampled.differences(model, reference, "auroc"),
            macro_auroc_difference=resampled.macro_difference(model, reference, "auroc"),
            flips=self._flips(before, after),
            refitted_flips=self._refitted_flips(model, before),
            flipped=flipped_examples(before, after, self._truth, output.labels, self._called()),
        )

    def _refitted_flips(self, model: str, before: Decisions) -> tuple[Flips, ...]:
        # A temperature alone moves no classification: the highest score stays the highest.
        if self._point is None or self._point.thresholds is None:
            return ()
        if model not in self._options.quantized:
            return ()
        scores = scores_of(
            self._sample.values[model], self._output, temperature=self._point.temperature
        )
        thresholds = np.array(self._point.thresholds)
        return self._flips(before, decide(scores, self._output, thresholds))

    def _flips(self, before: Decisions, after: Decisions) -> tuple[Flips, ...]:
        if before.ndim == 1:
            found: tuple[Flips, ...] = (class_flips(before, after, self._truth.astype(np.int64)),)
        else:
            found = label_flips(before, after, self._views)
        if not self._has_few_groups():
            return found
        # Wilson's interval takes each example for independent of the others.
        return tuple(replace(each, share=Figure(each.share.value)) for each in found)

    def _has_few_groups(self) -> bool:
        """Whether many examples are of a handful of patients, so that no interval can be drawn."""
        return self._groups() < min(FEWEST_GROUPS, len(self._truth))

    def _called(self) -> list[tuple[int, str]]:
        names = self._sample.data.names
        return [
            (int(index), names[at] if self._options.may_name else "")
            for at, index in enumerate(self._sample.indices)
        ]

    def _left_out(self) -> dict[str, str]:
        """Why, without the names of files where those must not be told: they may name patients."""
        left_out = self._sample.left_out
        if self._options.may_name:
            return dict(left_out)
        return {
            f"left out {at}": reason.rpartition(f"{name}: ")[2] if name in reason else "unreadable"
            for at, (name, reason) in enumerate(left_out.items(), start=1)
        }

    def _findings(self) -> tuple[str, ...]:
        found = []
        left_out = self._left_out()
        if left_out:
            first = next(iter(left_out.values()))
            found.append(f"{len(left_out)} examples were left out; the first: {first}")
        absent = [view.label for view in self._views if not view.has_both]
        if absent:
            found.append(
                f"no AUROC for {', '.join(absent)}: positive and negative examples are both needed"
            )
        weak = [
            f"{view.label} ({view.fewest})"
            for view in self._views
            if view.has_both and view.fewest < _FEWEST_TO_CLAIM
        ]
        if weak:
            found.append(
                f"fewer than {_FEWEST_TO_CLAIM} cases, so the figures are weak: {', '.join(weak)}"
            )
        if self._has_few_groups():
            count = self._groups()
            found.append(
                f"no intervals: the {len(self._truth)} examples are of {count} "
                f"{'patient or group' if count == 1 else 'patients or groups'}, and fewer than "
                f"{FEWEST_GROUPS} say little about others; give examples of more"
            )
        if self._was_refit_asked() and self._point is None:
            is_inside = self._output.kind == "classification" and self._output.activation == "none"
            why = "the model applies its activation itself" if is_inside else "too few examples"
            found.append(f"temperature and thresholds were not refitted: {why}")
        is_stretched = self._output.activation != "none"
        if is_stretched and self._point and self._point.temperature == self._output.temperature:
            found.append(
                "the temperature was kept: none lowered the calibration error of examples that it "
                "was not fitted on"
            )
        if self._point is not None and self._point.kept and self._point.rule != "keep":
            found.append(
                "thresholds carried over from the float model, too few cases to refit: "
                + ", ".join(self._point.kept)
            )
        return tuple(found)

    def _was_refit_asked(self) -> bool:
        is_judged = self._output.kind != "regression"
        return is_judged and bool(self._options.quantized) and self._options.fit_share > 0.0
