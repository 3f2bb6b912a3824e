"""Pixel levels to model values: the arithmetic alone.

Every step is one float32 operation of IEEE 754, elementwise and in the order written, so that
every machine gives the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.preprocess.planes import WHITE

__all__ = ["normalise_levels", "quantize_values", "to_levels"]

_LEVELS = 255


def to_levels(plane: NDArray[Any]) -> NDArray[np.float32]:
    """Put pixels on the scale 0..255 without rounding to whole levels.

    Args:
        plane: uint8 (as it is), uint16 (divided by 257) or int32 of 0..2**24 (a float frame's).

    Returns:
        float32 of the same shape, in 0..255.
    """
    levels: NDArray[np.float32] = plane.astype(np.float32)
    white = WHITE[plane.dtype.name]
    if white == _LEVELS:
        return levels
    if white % _LEVELS == 0:
        levels /= np.float32(white // _LEVELS)
        return levels
    levels *= np.float32(_LEVELS)
    levels /= np.float32(white)
    return levels


def normalise_levels(
    levels: NDArray[np.float32], scale: float, mean: float, std: float
) -> NDArray[np.float32]:
    """Return `(levels * scale - mean) / std` in float32, of the same shape."""
    values: NDArray[np.float32] = levels * np.float32(scale)
    values -= np.float32(mean)
    values /= np.float32(std)
    return values


def quantize_values(
    values: NDArray[np.float32], scale: float, zero_point: int, dtype: str
) -> NDArray[Any]:
    """Quantize affinely: `round(values / scale) + zero_point`, saturating.

    Halves go to the even neighbour, as in ONNX QuantizeLinear and in the XNNPACK kernels that
    run LiteRT models (LiteRT's reference kernel rounds halves away from zero).

    Args:
        values: float32, finite.
        scale: step of the quantized tensor, positive.
        zero_point: the integer that stands for 0.0.
        dtype: "int8" or "uint8".

    Returns:
        An array of `dtype` and the same shape.
    """
    limits = np.iinfo(dtype)
    steps = np.rint(values / np.float32(scale)) + np.float32(zero_point)
    quantized: NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(dtype)
    return quantized
