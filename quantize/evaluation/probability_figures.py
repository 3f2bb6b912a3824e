"""Calibration figures of a model whose scores are probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.calibration_error import (
    ReliabilityBin,
    adaptive_calibration_error,
    brier_score,
    equal_width_error,
    reliability,
)
from quantize.evaluation.evaluation import CalibrationFigures
from quantize.evaluation.scores import log_loss_of_scores, scores_of

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["calibration_figures", "reliability_of"]

Floats = NDArray[np.float64]

_ROUNDING = 1e-3  # a softmax inside an int8 model sums to 1 within a few of its steps
_INT8_STEP = 1.0 / 256.0


def calibration_figures(
    raw: Floats, truth: Floats, output: Output, temperature: float
) -> CalibrationFigures | None:
    """Measure calibration; None where the scores are no probabilities.

    Classification is judged by its top label; multilabel by each label's probability, and the
    mean over the labels that have examples.

    Args:
        raw: (n, labels) before activation.
        truth: as `LabelledData.truth`.
        output: how outputs are read.
        temperature: in force.
    """
    scores = scores_of(raw, output, temperature=temperature)
    if not _are_probabilities(scores, output):
        return None
    if output.kind == "classification":
        return _of_top_label(scores, truth.astype(np.int64))
    columns = [
        _of_label(scores[known, at], truth[known, at].astype(np.int64))
        for at, known in enumerate(np.isfinite(truth).T)
        if known.any()
    ]
    return CalibrationFigures(*(float(each) for each in np.mean(columns, axis=0)))


def reliability_of(
    raw: Floats, truth: Floats, output: Output, temperature: float
) -> tuple[ReliabilityBin, ...]:
    """The reliability diagram: of the top label, or of all labels' probabilities together."""
    scores = scores_of(raw, output, temperature=temperature)
    if not _are_probabilities(scores, output):
        return ()
    if output.kind == "classification":
        return reliability(scores.max(axis=1), scores.argmax(axis=1) == truth)
    known = np.isfinite(truth)
    return reliability(scores[known], truth[known] == 1)


def _are_probabilities(scores: Floats, output: Output) -> bool:
    if output.kind == "regression":
        return False
    if output.activation != "none":
        return True
    if scores.min() < 0.0 or scores.max() > 1.0:
        return False
    slack = _ROUNDING + _INT8_STEP * scores.shape[1]
    sums = scores.sum(axis=1)
    return output.kind == "multilabel" or bool((np.abs(sums - 1.0) <= slack).all())


def _of_top_label(scores: Floats, truth: NDArray[np.int64]) -> CalibrationFigures:
    confidence, correct = scores.max(axis=1), scores.argmax(axis=1) == truth
    return CalibrationFigures(
        expected=equal_width_error(confidence, correct),
        adaptive=adaptive_calibration_error(confidence, correct),
        brier=brier_score(scores, truth),
        log_loss=log_loss_of_scores(scores, truth),
    )


def _of_label(scores: Floats, truth: NDArray[np.int64]) -> tuple[float, float, float, float]:
    positive = truth == 1
    return (
        equal_width_error(scores, positive),
        adaptive_calibration_error(scores, positive),
        brier_score(scores, truth),
        log_loss_of_scores(scores, truth),
    )
