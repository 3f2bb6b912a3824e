"""Figures with bootstrap intervals, all models and labels over the same draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.bootstrap import Statistic, bootstrap, percentile_interval
from quantize.evaluation.evaluation import Figure, RocCurve, SensitivityAt
from quantize.evaluation.label_views import LabelView, label_views
from quantize.evaluation.ranking import Counts, RankedScores
from quantize.evaluation.scores import decide, scores_of

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["Resampled", "Resampling", "resample_figures"]

Floats = NDArray[np.float64]
Key = tuple[str, str, str]
"""Model, what is measured, label."""

_MOST_CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are drawn.

    Attributes:
        groups: of each example; whole groups are drawn.
        repeats: how many resamples.
        seed: of the draws.
        specificities: at which sensitivity is stated.
    """

    groups: Sequence[str]
    repeats: int
    seed: int
    specificities: tuple[float, ...]


class Resampled:
    """Values of the sample, and of every resample, by model, figure and label.

    Args:
        values: of the sample itself.
        draws: float64 (repeats,) by the same keys.
        curves: ROC curve by model and label.
    """

    def __init__(
        self,
        values: Mapping[Key, float],
        draws: Mapping[Key, Floats],
        curves: Mapping[tuple[str, str], RocCurve],
    ) -> None:
        self._values = values
        self._draws = draws
        self._curves = curves

    def labels(self, model: str, what: str) -> tuple[str, ...]:
        """The labels that have a figure."""
        return tuple(key[2] for key in self._values if key[:2] == (model, what))

    def figure(self, model: str, what: str, label: str) -> Figure:
        """One figure."""
        key = (model, what, label)
        return _figure(self._values[key], self._draws[key])

    def figures(self, model: str, what: str) -> dict[str, Figure]:
        """By label."""
        return {label: self.figure(model, what, label) for label in self.labels(model, what)}

    def macro(self, model: str, what: str) -> Figure | None:
        """Mean over labels."""
        labels = self.labels(model, what)
        if not labels:
            return None
        value, draws = self._mean(model, what, labels)
        return _figure(value, draws)

    def differences(self, model: str, reference: str, what: str) -> dict[str, Figure]:
        """Model - reference by label; paired, because the draws are the same."""
        found = {}
        for label in self.labels(model, what):
            new, old = (model, what, label), (reference, what, label)
            found[label] = _figure(
                self._values[new] - self._values[old], self._draws[new] - self._draws[old]
            )
        return found

    def macro_difference(self, model: str, reference: str, what: str) -> Figure | None:
        """Difference of the means over labels."""
        labels = self.labels(model, what)
        if not labels:
            return None
        new, old = (self._mean(each, what, labels) for each in (model, reference))
        return _figure(new[0] - old[0], new[1] - old[1])

    def sensitivities(
        self, model: str, specificities: Sequence[float]
    ) -> tuple[SensitivityAt, ...]:
        """Sensitivity at each specificity, by label."""
        return tuple(
            SensitivityAt(label, each, self.figure(model, _sensitivity_name(each), label))
            for each in specificities
            for label in self.labels(model, _sensitivity_name(each))
        )

    def curves(self, model: str) -> dict[str, RocCurve]:
        """ROC curve by label."""
        return {label: curve for (name, label), curve in self._curves.items() if name == model}

    def _mean(self, model: str, what: str, labels: Sequence[str]) -> tuple[float, Floats]:
        values = np.array([self._values[model, what, label] for label in labels])
        draws = np.stack([self._draws[model, what, label] for label in labels])
        # A resample without any case of a rare label has no mean: leaving that label out would
        # move it. `percentile_interval` passes such resamples over.
        return float(values.mean()), draws.mean(axis=0)


def _figure(value: float, draws: Floats) -> Figure:
    interval = percentile_interval(draws)
    if interval is None:
        return Figure(value)
    return Figure(value, *interval, interval="bootstrap")


def _sensitivity_name(specificity: float) -> str:
    return f"sensitivity at {specificity:g}"


def resample_figures(
    values: Mapping[str, Floats], truth: Floats, output: Output, resampling: Resampling
) -> Resampled:
    """Rank, decide and measure every model, and draw every interval in one go.

    Args:
        values: raw outputs (n, labels) by model.
        truth: as `LabelledData.truth`.
        output: how outputs are read.
        resampling: how intervals are drawn.

    Returns:
        "auroc" and "sensitivity at S" by label, "accuracy" under the label "", and for regression
        "error" (mean absolute error) by value.
    """
    statistics: list[Statistic] = []
    curves: dict[tuple[str, str], RocCurve] = {}
    views = [view for view in label_views(truth, output.labels, output.kind) if view.has_both]
    for model, raw in values.items():
        scores = scores_of(raw, output)
        if output.kind == "regression":
            statistics += _error_statistics(model, scores, truth, output)
            continue
        right, total = _right_decisions(scores, truth, output)
        statistics.append(_share_statistic((model, "accuracy", ""), right, total))
        for view in views:
            ranked = RankedScores(scores[view.known, view.column], view.positive)
            curves[model, view.label] = _thin(ranked)
            statistics.append(_label_statistic(model, ranked, view, resampling.specificities))
    once = np.ones((len(truth), 1), np.int32)
    sample = {key: float(each[0]) for one in statistics for key, each in one(once).items()}
    draws = bootstrap(
        statistics, resampling.groups, repeats=resampling.repeats, seed=resampling.seed
    )
    return Resampled(sample, draws, curves)


def _label_statistic(
    model: str, ranked: RankedScores, view: LabelView, specificities: Sequence[float]
) -> Statistic:
    def statistic(counts: Counts) -> dict[Key, Floats]:
        area, sensitivities = ranked.measure(counts[view.known], specificities)
        found = {
            (model, _sensitivity_name(at), view.label): values
            for at, values in zip(specificities, sensitivities, strict=True)
        }
        return {(model, "auroc", view.label): area, **found}

    return statistic


def _right_decisions(scores: Floats, truth: Floats, output: Output) -> tuple[Floats, Floats]:
    """Right decisions and all decisions of each example."""
    decisions = decide(scores, output)
    if decisions.ndim == 1:
        return (decisions == truth).astype(np.float64), np.ones(len(truth))
    known = np.isfinite(truth)
    return ((decisions == truth) & known).sum(axis=1).astype(np.float64), known.sum(axis=1) * 1.0


def _share_statistic(key: Key, part: Floats, whole: Floats) -> Statistic:
    def statistic(counts: Counts) -> dict[Key, Floats]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {key: np.asarray((part @ counts) / (whole @ counts))}

    return statistic


def _error_statistics(model: str, scores: Floats, truth: Floats, output: Output) -> list[Statistic]:
    known = np.isfinite(truth)
    errors = np.where(known, np.abs(scores - np.where(known, truth, 0.0)), 0.0)
    return [
        _share_statistic((model, "error", label), errors[:, at], known[:, at] * 1.0)
        for at, label in enumerate(output.labels)
        if known[:, at].any()
    ]


def _thin(ranked: RankedScores) -> RocCurve:
    """At most some hundred points; the corners of a small curve all stay."""
    false_share, sensitivity, _ = ranked.curve()
    if len(false_share) > _MOST_CURVE_POINTS:
        at = np.unique(np.linspace(0, len(false_share) - 1, _MOST_CURVE_POINTS).astype(np.int64))
        false_share, sensitivity = false_share[at], sensitivity[at]
    return RocCurve(
        tuple(round(float(each), 5) for each in false_share),
        tuple(round(float(each), 5) for each in sensitivity),
    )
