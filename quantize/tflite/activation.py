"""Relu and Clip: as a fused function, or as nothing where the range already says it."""

from __future__ import annotations

import math

from quantize.quantized_graph import ActivationParams
from quantize.tflite.schema import FusedActivation

__all__ = ["Bounds", "fused_function", "is_implied"]

Bounds = tuple[float, float]

_FUNCTIONS: dict[Bounds, FusedActivation] = {
    (0.0, math.inf): FusedActivation.RELU,
    (0.0, 6.0): FusedActivation.RELU6,
    (-1.0, 1.0): FusedActivation.RELU_N1_TO_1,
}
_HALF_STEP = 0.501  # a zero point is rounded by up to half a step, and half is not exact in float


def is_implied(bounds: Bounds, params: ActivationParams) -> bool:
    """Whether saturation at the ends of 0..255 does what the bounds do, to half a step."""
    low = params.scale * (0 - params.zero_point)
    high = params.scale * (255 - params.zero_point)
    slack = params.scale * _HALF_STEP
    return low >= bounds[0] - slack and high <= bounds[1] + slack


def fused_function(bounds: Bounds, params: ActivationParams | None) -> FusedActivation | None:
    """The function to fuse into an operator.

    Args:
        bounds: smallest and largest value let through.
        params: of the tensor that the operator writes; None for float32.

    Returns:
        None where TFLite has no function of these bounds and the range leaves them.
    """
    if bounds in _FUNCTIONS:
        return _FUNCTIONS[bounds]
    if params is not None and is_implied(bounds, params):
        return FusedActivation.NONE
    return None
