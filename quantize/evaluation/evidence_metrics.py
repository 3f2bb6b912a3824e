"""An evaluation as the manifest's evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from edge.bundle.manifest import Metric
from quantize.evaluation.evaluation import Comparison, Evaluation, Figure, ModelFigures

__all__ = ["to_metrics"]


def to_metrics(
    evaluation: Evaluation, *, artifacts: Mapping[str, str] | None = None
) -> tuple[Metric, ...]:
    """Every figure that a manifest should carry.

    Args:
        evaluation: what was found.
        artifacts: the manifest's name (an artifact's path, or "source") by model's name, where
            they differ.

    Returns:
        For each model: "auroc LABEL", "auroc macro", "accuracy", "sensitivity at S LABEL", "ece",
        "ece adaptive", "brier", "log loss" (the last four at the operating point that the bundle
        gets), or "mean absolute error VALUE" and its like; for each but the reference:
        "auroc difference", "flips", "flips lost", "flips won", "flips p".
    """
    renamed = artifacts or {}
    found: list[Metric] = []
    for figures in evaluation.models:
        name = renamed.get(figures.model, figures.model)
        found += _metrics(name, _figures_of(figures), evaluation.examples)
    for comparison in evaluation.comparisons:
        name = renamed.get(comparison.model, comparison.model)
        found += _metrics(name, _differences_of(comparison), evaluation.examples)
    return tuple(found)


def _metrics(
    artifact: str, figures: Iterator[tuple[str, Figure]], examples: int
) -> Iterator[Metric]:
    for name, figure in figures:
        if isfinite(figure.value):
            yield Metric(
                artifact=artifact,
                name=name,
                value=round(figure.value, 6),
                examples=examples,
                low=None if figure.low is None else round(figure.low, 6),
                high=None if figure.high is None else round(figure.high, 6),
            )


def _figures_of(figures: ModelFigures) -> Iterator[tuple[str, Figure]]:
    for label, figure in figures.auroc.items():
        yield f"auroc {label}", figure
    if figures.macro_auroc is not None:
        yield "auroc macro", figures.macro_auroc
    if figures.accuracy is not None:
        yield "accuracy", figures.accuracy
    for each in figures.sensitivity:
        yield f"sensitivity at {each.specificity:g} {each.label}", each.figure
    calibration = figures.refitted_calibration or figures.calibration
    if calibration is not None:
        yield "ece", Figure(calibration.expected)
        yield "ece adaptive", Figure(calibration.adaptive)
        yield "brier", Figure(calibration.brier)
        yield "log loss", Figure(calibration.log_loss)
    for value, figure in figures.mean_absolute_error.items():
        yield f"mean absolute error {value}", figure
    for value, found in figures.regression.items():
        yield f"root mean square error {value}", Figure(found.root_mean_square_error)
        yield f"r squared {value}", Figure(found.r_squared)
        yield f"bias and limits of agreement {value}", Figure(found.bias, *found.limits)


def _differences_of(comparison: Comparison) -> Iterator[tuple[str, Figure]]:
    if comparison.macro_auroc_difference is not None:
        yield "auroc difference", comparison.macro_auroc_difference
    for each in comparison.flips:
        suffix = f" {each.label}" if each.label else ""
        yield f"flips{suffix}", each.share
        yield f"flips lost{suffix}", Figure(each.lost)
        yield f"flips won{suffix}", Figure(each.won)
        yield f"flips p{suffix}", Figure(each.p_value)
    for value, figure in comparison.error_difference.items():
        yield f"mean absolute error difference {value}", figure
