"""Whatever a user gives for a picture -> `Frame`."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from edge.frame import Frame

__all__ = ["PictureInput", "read_frame"]

PictureInput = Frame | str | os.PathLike[str] | bytes | NDArray[Any]

_GREY_DIMENSIONS = 2


def read_frame(source: object) -> Frame:
    """Decode a picture, or wrap one that is decoded.

    Args:
        source: a `PictureInput`: a path to an image file; the bytes of one; a `Frame`; or a
            grey picture as an array (height, width), uint8, uint16 or float32 in 0..1.

    Raises:
        InputError: the picture cannot be read, or an array does not say what its channels are.
    """
    if isinstance(source, Frame):
        return source
    if isinstance(source, np.ndarray):
        if source.ndim != _GREY_DIMENSIONS:
            raise UnsupportedInputError(
                f"an array of shape {source.shape} does not say what its channels are; "
                'wrap it: edge.Frame(pixels, "rgb") or "bgr"',
            )
        return Frame(
            pixels=np.ascontiguousarray(source)[:, :, np.newaxis],
            colour="grey",
            capture_time_ns=time.time_ns(),
        )
    if not isinstance(source, (str, bytes, os.PathLike)):
        raise UnsupportedInputError(
            f"the model takes one picture and is given a {type(source).__name__}; give a file's "
            "name, its bytes, or an edge.Frame",
        )
    from edge.decode import decode_image
    from edge.sources.image_files import read_image_bytes

    if isinstance(source, bytes):
        return decode_image(source, source="memory")
    start = time.perf_counter_ns()
    data = read_image_bytes(Path(source))
    reading_ns = time.perf_counter_ns() - start
    return replace(decode_image(data, source=os.fspath(source)), capture_ns=reading_ns)
