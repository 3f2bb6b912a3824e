"""Uniform quantization arithmetic: arrays in, arrays out.

The formulas are those of the ONNX operators QuantizeLinear and DequantizeLinear (opset 13) and
of the TensorFlow Lite 8-bit specification: `real = scale * (q - zero_point)`, rounding half to
even, saturating. Every scale is a value that float32 holds exactly, so that an ONNX file, a
TFLite file and this module compute with the same number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.quantized_graph import ActivationParams, QuantizedWeight

__all__ = [
    "BIAS_LIMIT",
    "SMALLEST_SCALE",
    "activation_params",
    "dequantize",
    "quantize",
    "quantize_activation",
    "quantize_bias",
    "quantize_weight",
    "weight_scales",
]

BIAS_LIMIT = 2**30
"""Largest bias in steps: half of int32, the rest is left to the accumulated products."""

SMALLEST_SCALE = float(np.float32(2.0**-60))
"""Scales below this would meet float32 subnormals in an engine's requantization."""

_ACTIVATION_STEPS = 255
_WEIGHT_STEPS = 127


def activation_params(low: float, high: float) -> ActivationParams:
    """Choose the uint8 parameters that cover a range.

    The range is first widened to hold 0, so that 0.0 (padding, the floor of a ReLU) is an exact
    integer. A tensor that is always 0 gets the range 0..1.

    Args:
        low: smallest value, finite.
        high: largest value, finite, at least `low`.

    Returns:
        Scale (> 0, exact in float32) and zero point in 0..255.

    Raises:
        ValueError: the range is not finite or reversed.
    """
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise ValueError(f"a range must be finite and in order, not {low} .. {high}")
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = 1.0
    scale = max(
        float(np.float32(high / _ACTIVATION_STEPS - low / _ACTIVATION_STEPS)), SMALLEST_SCALE
    )
    zero_point = int(np.clip(np.rint(-low / scale), 0, _ACTIVATION_STEPS))
    return ActivationParams(scale=scale, zero_point=zero_point)


def quantize(
    values: NDArray[Any], *, scale: float, zero_point: int, dtype: type[np.integer[Any]]
) -> NDArray[Any]:
    """Real values to integers, rounding half to even and saturating at the ends of `dtype`.

    Args:
        values: float32, any shape, finite.
        scale: step, > 0.
        zero_point: the integer that stands for 0.0.
        dtype: np.uint8, np.int8, np.int16, ...

    Returns:
        Array of `dtype`, in the shape of `values`.
    """
    limits = np.iinfo(dtype)
    steps = np.rint(np.asarray(values, np.float32) / np.float32(scale)).astype(np.float64)
    found: NDArray[Any] = np.clip(steps + zero_point, limits.min, limits.max).astype(dtype)
    return found


def dequantize(values: NDArray[Any], *, scale: float, zero_point: int) -> NDArray[np.float32]:
    """Integers back to the float32 values they stand for."""
    steps = np.asarray(values, np.int64) - zero_point
    found: NDArray[np.float32] = steps.astype(np.float32) * np.float32(scale)
    return found


def quantize_activation(values: NDArray[Any], params: ActivationParams) -> NDArray[np.uint8]:
    """Real values to uint8 under `params`."""
    return quantize(values, scale=params.scale, zero_point=params.zero_point, dtype=np.uint8)


def weight_scales(
    weights: NDArray[np.float32],
    *,
    bias: NDArray[np.float32] | None = None,
    input_scale: float = 1.0,
    smallest: float = SMALLEST_SCALE,
) -> NDArray[np.float32]:
    """Choose one symmetric scale for each output channel.

    A scale is widened beyond `max |w| / 127` where it has to be: to `smallest`, and to where the
    channel's bias stays within `BIAS_LIMIT` steps of `input_scale * scale`. A channel of nothing
    but zeros takes the largest scale of the others.

    Args:
        weights: (channels, ...), finite.
        bias: (channels,), finite; None for no bias.
        input_scale: scale of the activation that the weights multiply.
        smallest: least scale allowed.

    Returns:
        (channels,) float32, > 0.
    """
    peaks = np.abs(weights.reshape(len(weights), -1)).max(axis=1).astype(np.float64)
    scales = peaks / _WEIGHT_STEPS
    fallback = scales.max() if scales.max() > 0 else 1.0 / _WEIGHT_STEPS
    scales[peaks == 0] = fallback
    scales = np.maximum(scales, smallest)
    if bias is not None:
        scales = np.maximum(scales, np.abs(bias.astype(np.float64)) / (input_scale * BIAS_LIMIT))
    found: NDArray[np.float32] = scales.astype(np.float32)
    return found


def quantize_weight(weights: NDArray[np.float32], scales: NDArray[np.float32]) -> QuantizedWeight:
    """Weights to symmetric int8 in -127..127, channel by channel of axis 0.

    -128 is never used, so that negation is exact and products of two int8 fit 15 bits.
    """
    column = scales.reshape((-1,) + (1,) * (weights.ndim - 1))
    steps = np.rint(weights.astype(np.float32) / column)
    values = np.clip(steps, -_WEIGHT_STEPS, _WEIGHT_STEPS).astype(np.int8)
    return QuantizedWeight(values=values, scale=scales)


def quantize_bias(
    bias: NDArray[np.float32], *, input_scale: float, weight_scale: NDArray[np.float32]
) -> QuantizedWeight:
    """A bias to int32 steps of `input_scale * weight_scale[channel]`.

    Args:
        bias: (channels,).
        input_scale: scale of the activation.
        weight_scale: (channels,), as `weight_scales` chose it with this bias.

    Returns:
        int32 values with |value| <= `BIAS_LIMIT`, and their scales.
    """
    scale = np.float32(input_scale) * weight_scale
    steps = np.rint(bias.astype(np.float64) / scale.astype(np.float64))
    values = np.clip(steps, -BIAS_LIMIT, BIAS_LIMIT).astype(np.int32)
    return QuantizedWeight(values=values, scale=scale.astype(np.float32))
