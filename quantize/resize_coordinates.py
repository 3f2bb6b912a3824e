"""Where a resized picture's cells lie in the picture before, by ONNX's rules and by TFLite's.

ONNX's coordinates: operator specification of Resize, opset 13 to 19. TFLite's: ComputeInterpolation
in `tensorflow/lite/kernels/internal/reference/resize_bilinear.h`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ONNX_COORDINATES",
    "TFLITE_COORDINATES",
    "Coordinates",
    "ResizedAxis",
    "TfliteRule",
    "clipped",
    "linear_tflite_rule",
    "resized_axes",
]

_TOLERANCE = 1e-6

Coordinates = NDArray[np.float64]

TfliteRule = tuple[bool, bool]
"""Align corners, half pixel centres."""


@dataclass(frozen=True, slots=True)
class ResizedAxis:
    """One resized axis; `scale` is output cells an input cell, as the model states it."""

    before: int
    after: int
    scale: float

    @property
    def cells(self) -> Coordinates:
        """The output's cells."""
        return np.arange(self.after, dtype=np.float64)


def _align_corners(axis: ResizedAxis) -> Coordinates:
    if axis.after == 1:
        return np.zeros(1)
    return axis.cells * (axis.before - 1) / (axis.after - 1)


ONNX_COORDINATES: Mapping[str, Callable[[ResizedAxis], Coordinates]] = {
    "align_corners": _align_corners,
    "asymmetric": lambda axis: axis.cells / axis.scale,
    "half_pixel": lambda axis: (axis.cells + 0.5) / axis.scale - 0.5,
    "pytorch_half_pixel": lambda axis: (
        (axis.cells + 0.5) / axis.scale - 0.5 if axis.after > 1 else np.zeros(1)
    ),
    "half_pixel_symmetric": lambda axis: (
        axis.before / 2 * (1 - axis.after / (axis.before * axis.scale))
        + (axis.cells + 0.5) / axis.scale
        - 0.5
    ),
}
"""By `coordinate_transformation_mode`; they may lie outside the picture."""

TFLITE_COORDINATES: Mapping[TfliteRule, Callable[[ResizedAxis], Coordinates]] = {
    (False, False): lambda axis: axis.cells * axis.before / axis.after,
    (False, True): lambda axis: (axis.cells + 0.5) * axis.before / axis.after - 0.5,
    (True, False): _align_corners,
}


def resized_axes(
    before: tuple[int, ...], after: tuple[int, ...], stated: NDArray[Any]
) -> list[ResizedAxis]:
    """Height and width of a picture.

    Args:
        before: shape, four axes.
        after: the same of the answer.
        stated: scales for all axes as the model states them; empty where it states sizes.
    """
    scales = [end / start for start, end in zip(before, after, strict=True)]
    if stated.size == len(before):
        scales = [float(value) for value in stated.reshape(-1)]
    return [ResizedAxis(before[at], after[at], scales[at]) for at in (2, 3)]


def clipped(coordinates: Coordinates, axis: ResizedAxis) -> Coordinates:
    """The nearest inside the picture."""
    return coordinates.clip(0, axis.before - 1)


def linear_tflite_rule(
    axes: Sequence[ResizedAxis], coordinates: Sequence[Coordinates]
) -> TfliteRule | None:
    """The rule of RESIZE_BILINEAR that gives these coordinates; None where none does."""
    for rule, theirs in TFLITE_COORDINATES.items():
        if all(
            np.allclose(clipped(mine, axis), clipped(theirs(axis), axis), rtol=0, atol=_TOLERANCE)
            for mine, axis in zip(coordinates, axes, strict=True)
        ):
            return rule
    return None
