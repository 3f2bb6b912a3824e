"""A temperature fitted anew on quantized outputs, kept where it helps on examples it did not see.

The temperature of the least log loss (Guo et al. 2017, "On Calibration of Modern Neural Networks",
section 4.2) need not lower the calibration error: not where scores are shifted rather than
stretched, as by class weights in training, and not where few examples were fitted. So the fit is
tried first by cross-validation (Stone 1974), five-fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.probability_figures import calibration_figures
from quantize.evaluation.refit import fit_sigmoid_temperature, fit_temperature

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["refitted_temperature"]

_FOLDS = 5

Floats = NDArray[np.float64]


def refitted_temperature(quantized: Sequence[Floats], truth: Floats, output: Output) -> float:
    """One temperature for all quantized files, which are fitted together.

    Args:
        quantized: each file's raw outputs (n, labels).
        truth: as `LabelledData.truth`.
        output: how outputs are read.

    Returns:
        That of the least log loss, 0.05 to 20; the output's own where, in cross-validation, the
        fit does not lower both calibration error and log loss, or where there is none to fit.
    """
    if output.kind == "multilabel" and output.activation != "sigmoid":
        return output.temperature
    values, every = np.concatenate(list(quantized)), np.concatenate([truth] * len(quantized))
    # An example is in the same fold in each file.
    folds = np.concatenate([np.arange(len(truth)) % _FOLDS] * len(quantized))
    unseen = np.empty_like(values)
    for fold in range(_FOLDS):
        seen = folds != fold
        unseen[~seen] = values[~seen] / _fitted(values[seen], every[seen], output)
    before = calibration_figures(values, every, output, output.temperature)
    after = calibration_figures(unseen, every, output, 1.0)
    if before is None or after is None:
        return output.temperature
    if after.expected >= before.expected or after.log_loss >= before.log_loss:
        return output.temperature
    return _fitted(values, every, output)


def _fitted(values: Floats, truth: Floats, output: Output) -> float:
    if output.kind == "classification":
        return fit_temperature(values, truth.astype(np.int64))
    known = np.isfinite(truth)
    return fit_sigmoid_temperature(values[known], truth[known].astype(np.int64))
