"""Activations that the runtime applies to model outputs."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Activation", "apply_activation"]

Activation = Literal["none", "softmax", "sigmoid"]


def apply_activation(
    values: NDArray[np.float32],
    activation: Activation,
    temperature: float,
) -> NDArray[np.float64]:
    """Compute activation(values / temperature).

    Args:
        values: (labels,) finite values as the model gives them.
        activation: "softmax" over all labels, "sigmoid" for each, or "none".
        temperature: > 0; above 1 softens the scores (Guo et al. 2017, "On Calibration of
            Modern Neural Networks", section 4.2).

    Returns:
        (labels,) float64: 0..1 for softmax (summing to 1) and sigmoid. float64 so that the
        printed digits do not depend on a board's float32 exp.
    """
    scaled = values.astype(np.float64) / temperature
    if activation == "softmax":
        powers = np.exp(scaled - scaled.max())
        return np.asarray(powers / powers.sum())
    if activation == "sigmoid":
        # exp of a non-positive number only: it cannot overflow.
        powers = np.exp(-np.abs(scaled))
        return np.where(scaled >= 0, 1.0 / (1.0 + powers), powers / (1.0 + powers))
    return scaled
