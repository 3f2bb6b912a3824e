"""Pictures that must not be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.preprocess.planes import WHITE, Planes

if TYPE_CHECKING:
    from edge.preprocess.geometry import Geometry

__all__ = ["EVEN_LEVELS", "find_refusal"]

EVEN_LEVELS = 4
"""How far apart, in levels of 255, the pixels of an even picture may lie: a sensor's noise."""

_LEVELS = 255


def find_refusal(planes: Planes, geometry: Geometry) -> str | None:
    """Say why a picture must not be answered.

    A covered lens, a dead sensor and a blank scan all give one even tone, and a model answers
    them with confidence. Looked at is what the model is shown of the picture, resized and before
    normalisation, which would set the channels of a black picture apart; padding is left out.

    Args:
        planes: the model's channels on the canvas, as `edge.preprocess.planes.make_planes` gives
            them.
        geometry: where the picture lies on the canvas.

    Returns:
        The reason, where no plane has pixels over `EVEN_LEVELS` apart, be the planes themselves
        of different levels (a solid colour); None for a picture that may be answered.
    """
    import cv2

    top, left = geometry.offset_y, geometry.offset_x
    bottom, right = top + geometry.resized_height, left + geometry.resized_width
    for plane in planes:
        low, high, _, _ = cv2.minMaxLoc(plane[top:bottom, left:right])
        if (high - low) * _LEVELS > EVEN_LEVELS * WHITE[plane.dtype.name]:
            return None
    return "the picture is one even tone (black, white, or a covered lens)"
