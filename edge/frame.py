"""A picture on its way through the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHANNELS", "Colour", "Fault", "Frame", "Pixels", "is_well_formed"]

Colour = Literal["grey", "rgb", "bgr"]
Fault = Literal["", "torn"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32] | NDArray[Any]

CHANNELS: Final[Mapping[str, int]] = {"grey": 1, "rgb": 3, "bgr": 3}
"""How many channels a picture of each colour has."""

_DIMENSIONS = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """Decoded pixels and where they came from.

    Attributes:
        pixels: (height, width, channels), channels 1 (grey) or 3 (rgb, bgr), C-contiguous;
            uint8 in 0..255, uint16 in 0..65535, or float32 in 0..1.
        colour: what the channels mean.
        source: file name, stream address, "camera:0", "-" or "memory".
        index: 0-based position within its source.
        capture_time_ns: time.time_ns() when the frame was taken or the file was read.
        capture_monotonic_ns: time.monotonic_ns() at the same moment, for ages: the wall clock of a
            board jumps when it first hears from a time server. 0 where nobody noted it.
        digest: SHA-256 in hex of the encoded bytes (of the pixel bytes where there are none),
            or "" where nobody asked for it.
        decode_ns: nanoseconds that decoding took; 0 where the frame came decoded.
        capture_ns: nanoseconds that waiting for and taking the frame, or reading its file, took.
        fault: "", or "torn" where a live source got only part of the picture: its pixels are those
            that came, or one black pixel where none did. Nothing may be answered from such a frame.
        fault_detail: what was wrong with it, in a few words; "" where nothing was.
        file_name: name of the file that it is, where each frame of its source is a file; else "".
            It may hold a patient's name, and so belongs in no log and no journal.
    """

    pixels: Pixels
    colour: Colour
    source: str = "memory"
    index: int = 0
    capture_time_ns: int = 0
    digest: str = ""
    decode_ns: int = 0
    capture_ns: int = 0
    capture_monotonic_ns: int = 0
    fault: Fault = ""
    fault_detail: str = ""
    file_name: str = ""


def is_well_formed(frame: Frame) -> bool:
    """Whether a frame's pixels have a shape and a dtype that `Frame` promises; no pixel is read.

    Args:
        frame: whose pixels may be anything at all.
    """
    pixels: object = frame.pixels
    channels = CHANNELS.get(frame.colour)
    return (
        isinstance(pixels, np.ndarray)
        and channels is not None
        and pixels.ndim == _DIMENSIONS
        and pixels.shape[2] == channels
        and pixels.size > 0
        and pixels.dtype in (np.uint8, np.uint16, np.float32)
    )
