"""Picture files as frames of a source: read, decoded, and told apart from those not whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.decode import decode_image
from edge.errors import UnsupportedInputError
from edge.source_name import show_source
from edge.sources.capture import Shot
from edge.sources.image_files import read_image_bytes

__all__ = ["as_camera_pixels", "read_picture"]

_RGB_CHANNELS = 3


def read_picture(path: str) -> Shot:
    """Read and decode a picture file, as `edge-run FILE` does: grey and 16 bits stay.

    Args:
        path: the file.

    Raises:
        InputError: it is missing, unreadable, not whole or no picture.
    """
    frame = decode_image(read_image_bytes(path), source=path)
    return Shot(frame.pixels, colour=frame.colour, file_name=Path(path).name)


def as_camera_pixels(shot: Shot, path: str) -> NDArray[np.uint8]:
    """The pixels that a camera would give of a picture file.

    Args:
        shot: the file's picture.
        path: the file, for messages.

    Returns:
        (height, width, 3) uint8, BGR; a grey picture has three equal channels.

    Raises:
        UnsupportedInputError: it has more than 8 bits a channel.
    """
    pixels: NDArray[np.uint8] = shot.pixels
    if pixels.dtype != np.uint8:
        raise UnsupportedInputError(
            f"{show_source(path)}: it is {pixels.dtype} and a camera's pictures are uint8; "
            "save it with 8 bits a channel",
        )
    return np.repeat(pixels, _RGB_CHANNELS, axis=2) if pixels.shape[2] == 1 else pixels
