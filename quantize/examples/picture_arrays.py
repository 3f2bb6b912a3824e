"""Decoded pictures in an array: they go through preprocessing as pictures from files do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from edge.frame import Colour, Frame

__all__ = ["picture_reader"]

_GREY_RANK, _COLOUR_RANK = 3, 4
_CHANNELS = (1, 3)


def picture_reader(array: NDArray[Any], name: str, source: str) -> Callable[[int], Frame]:
    """How to read the pictures of an array.

    Args:
        array: uint8 (pictures, height, width, 3) in RGB, or (pictures, height, width) or
            (pictures, height, width, 1) in grey; any size, which preprocessing changes.
        name: of the array, for messages.
        source: what its file is called.

    Returns:
        Position -> frame.

    Raises:
        UnsupportedInputError: an array of anything else, such as values already normalised.
    """
    is_colour = array.ndim == _COLOUR_RANK and array.shape[-1] in _CHANNELS
    if array.dtype != np.uint8 or not (array.ndim == _GREY_RANK or is_colour):
        raise UnsupportedInputError(
            f"{source}: array '{name}' is {array.dtype} of shape {list(array.shape)}; pictures are "
            "taken as decoded pixels, uint8 (pictures, height, width, 3) in RGB or (pictures, "
            "height, width) in grey, which go through the preprocessing; give those or files, or "
            'say in --card that the input is plain numbers: {"inputs": {NAME: {"kind": "vector"}}}'
        )

    def read(at: int) -> Frame:
        pixels = array[at].reshape(*array.shape[1:3], -1)
        colour: Colour = "grey" if pixels.shape[2] == 1 else "rgb"
        return Frame(np.ascontiguousarray(pixels), colour, source=f"{source}[{at}]", index=at)

    return read
