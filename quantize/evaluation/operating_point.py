"""Temperature and thresholds for quantized files, from examples that are not reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.evaluation import OperatingPoint, ThresholdRule
from quantize.evaluation.label_views import LabelView, label_views
from quantize.evaluation.refit import (
    specificity_at,
    threshold_at_specificity,
    youden_threshold,
)
from quantize.evaluation.scores import DEFAULT_THRESHOLD, scores_of
from quantize.evaluation.temperature import refitted_temperature

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["FEWEST_TO_FIT", "can_fit", "fit_operating_point"]

FEWEST_TO_FIT = 10
"""Positives and negatives of a label below which its threshold is carried over, not fitted."""

_FEWEST_EXAMPLES = 50

Floats = NDArray[np.float64]


def can_fit(truth: Floats, output: Output) -> bool:
    """Whether a sample is enough to fit anything on."""
    if output.kind == "regression" or len(truth) < _FEWEST_EXAMPLES:
        return False
    if output.kind == "classification" and output.activation != "softmax":
        return False
    views = label_views(truth, output.labels, output.kind)
    enough = [view.fewest >= FEWEST_TO_FIT for view in views]
    return any(enough) if output.kind == "multilabel" else sum(enough) > 1


def fit_operating_point(
    reference: Floats,
    quantized: Sequence[Floats],
    truth: Floats,
    output: Output,
    rule: ThresholdRule,
) -> OperatingPoint:
    """Fit one operating point for all quantized files.

    The files are made of one calibrated graph and share one manifest, so their outputs are fitted
    together. The temperature stays where no other helps (`refitted_temperature`). By the rule
    "specificity" a label's threshold gives the quantized files the specificity that the float
    model has at its own; by "youden" it is that of the greatest sensitivity + specificity.

    Args:
        reference: the float model's raw outputs (n, labels).
        quantized: each quantized file's.
        truth: as `LabelledData.truth`, enough for `can_fit`.
        output: how outputs are read.
        rule: how thresholds are chosen; "keep" carries the float model's over.
    """
    temperature = refitted_temperature(quantized, truth, output)
    if output.kind == "classification":
        return OperatingPoint(temperature, None, "keep", len(truth))
    old = output.thresholds or (DEFAULT_THRESHOLD,) * len(output.labels)
    before = scores_of(reference, output)
    after = [scores_of(each, output, temperature=temperature) for each in quantized]
    thresholds: list[float] = []
    kept: list[str] = []
    for view in label_views(truth, output.labels, output.kind):
        if rule == "keep" or view.fewest < FEWEST_TO_FIT:
            kept.append(view.label)
            thresholds.append(_carried(old[view.column], output, temperature))
            continue
        near = _carried(old[view.column], output, temperature)
        if rule == "youden":
            found = youden_threshold(*_pooled(view, after))
        else:
            wanted = specificity_at(
                before[view.known, view.column], view.positive, old[view.column]
            )
            found = threshold_at_specificity(*_pooled(view, after), wanted, near=near)
        thresholds.append(float(np.clip(found, 0.0, 1.0)))
    return OperatingPoint(temperature, tuple(thresholds), rule, len(truth), tuple(kept))


def _carried(threshold: float, output: Output, temperature: float) -> float:
    """The same cut through raw outputs, as a score at another temperature."""
    if output.activation != "sigmoid" or not 0.0 < threshold < 1.0:
        return threshold
    raw = np.log(threshold / (1.0 - threshold)) * output.temperature
    return float(1.0 / (1.0 + np.exp(-raw / temperature)))


def _pooled(view: LabelView, after: Sequence[Floats]) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores of all quantized files, and who is positive."""
    pooled = np.concatenate([each[view.known, view.column] for each in after])
    return pooled, np.concatenate([view.positive] * len(after))
