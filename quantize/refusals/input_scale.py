"""Calibration data that does not look like what the model was fed in training."""

from __future__ import annotations

import numpy as np

from quantize.refusals.finding import Finding
from quantize.refusals.source_statistics import FirstLayer, NormalisedInput, RescaledInput

__all__ = ["barely_moving", "unlike_training", "unusual_first_layer"]

_FATAL_RATIO = 64.0
"""Of variances: a scale wrong by 8. The same network on other kinds of pictures than it was
trained on shows 0.13 to 0.9, a scale wrong by 255 shows 2 500 to 12 000 or below 0.00002."""

_DOUBTFUL_RATIO = 10.0
_FATAL_SHIFT = 8.0
_DOUBTFUL_SHIFT = 3.0
_DEAD = 1e-4  # channels of less than this share of the largest variance say nothing
_LEAST_SPAN = 0.04
_USUAL = 30.0
"""Trained networks whose batch normalisation is folded answer with 0.7 to 1.1 on data of the right
scale, with 87 to 135 on data 128 times as large, and with 0.003 to 0.004 on data a 255th."""


def unlike_training(first: NormalisedInput, *, of_pictures: bool = True) -> Finding | None:
    """Hold the input of the first batch normalisation against its running statistics.

    The running mean and variance of a batch normalisation (Ioffe and Szegedy 2015) are those of
    its input in training. The median over channels is taken, so that a few unusual channels do
    not decide. Other pictures of the right scale change the variance by less than 10 times.

    Args:
        first: of the first batch normalisation, measured on the calibration examples.
        of_pictures: whether the model takes pictures, for the way out.

    Returns:
        The finding; None where the statistics agree.
    """
    alive = first.expected_variance > _DEAD * first.expected_variance.max(initial=0.0)
    if not alive.any():
        return None
    expected = first.expected_variance[alive]
    ratio = float(np.median(first.variance[alive] / expected))
    shifts = np.abs(first.mean - first.expected_mean)[alive] / np.sqrt(expected)
    shift = float(np.median(shifts))
    far = max(ratio, 1.0 / ratio) if ratio > 0.0 else np.inf
    if far < _DOUBTFUL_RATIO and shift < _DOUBTFUL_SHIFT:
        return None
    is_fatal = bool(far >= _FATAL_RATIO or shift >= _FATAL_SHIFT)
    verdict = "are not what" if is_fatal else "may not be what"
    return Finding(
        "unlike-training-data",
        f"the calibration examples {verdict} the model was trained on: at '{first.name}' their "
        f"variance is {ratio:.3g} times that of training (values {np.sqrt(ratio):.3g} times as "
        f"wide) and their mean {shift:.3g} deviations off; check {_to_check(of_pictures)}",
        is_fatal=is_fatal,
    )


def _to_check(of_pictures: bool) -> str:  # noqa: FBT001 - the only thing there is to say
    if of_pictures:
        return "the pixels' scale (0..1 or 0..255), mean and standard deviation"
    return "the values' units, and the mean and standard deviation of each input in --card"


def barely_moving(rescaled: RescaledInput) -> Finding | None:
    """Whether a model's own scaling leaves next to nothing of an input that varies.

    A model that scales pixels itself, x / 127.5 - 1, makes of pixels that are already 0..1
    nothing but values from -1 to -0.99. Inputs that hardly vary themselves (a mask of ones, a
    year) cannot tell.

    Args:
        rescaled: measured on the calibration examples.
    """
    low, high = rescaled.after
    if low == high or not _is_flat(low, high) or _is_flat(*rescaled.before):
        return None
    return Finding(
        "input-barely-varies",
        f"'{rescaled.name}' only takes values from {low:.6g} to {high:.6g} over the calibration "
        f"examples: the model scales its input itself, and values from {rescaled.before[0]:.4g} "
        f"to {rescaled.before[1]:.4g} have been scaled before; give them in the model's own scale",
        is_fatal=True,
    )


def _is_flat(low: float, high: float) -> bool:
    return high - low < _LEAST_SPAN * max(abs(low), abs(high))


def unusual_first_layer(layer: FirstLayer, *, of_pictures: bool = True) -> Finding | None:
    """Whether a first convolution answers far more or less than about 1.

    Folding hides what a batch normalisation was trained on, but its output, and that of layers
    initialised in any usual way on standardised data, is about 1 wide. A model that was trained
    on pixels from 0 to 255 without any normalisation is not, so this is told and does not refuse.

    Args:
        layer: measured on the calibration examples.
        of_pictures: whether the model takes pictures, for the way out.
    """
    typical = float(np.median(layer.deviation))
    if 1.0 / _USUAL < typical < _USUAL:
        return None
    return Finding(
        "unusual-first-layer",
        f"the first layer '{layer.name}' answers with values {typical:.3g} wide, where about 1 is "
        f"usual; check {_to_check(of_pictures)}",
        is_fatal=False,
    )
