"""Pictures that arrive as JPEG bytes, decoded here so that a cut one is known for what it is."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.decode import decode_image
from edge.errors import InputError
from edge.sources.capture import Shot, torn_shot

if TYPE_CHECKING:
    from edge.sources.capture import Capture

__all__ = ["JPEG_CODES", "JpegFrames", "decode_jpeg", "say_what_is_wrong"]

JPEG_CODES = frozenset({b"MJPG", b"mjpg", b"jpeg", b"JPEG"})
"""The four-character codes of pictures that are JPEG files."""

_JPEG_START = b"\xff\xd8\xff"
_RGB_CHANNELS = 3


class JpegFrames:
    """A live capture of JPEG bytes, as pictures.

    OpenCV and FFMPEG fill what a cut JPEG lacks with grey and say nothing. Here such a picture
    becomes a torn one, and the capture goes on.
    """

    def __init__(self, capture: Capture, *, shown: str) -> None:
        """Decode what `capture` gives; it becomes this object's own.

        Args:
            capture: gives JPEG bytes as arrays of uint8, of any shape.
            shown: what messages call it.
        """
        self._capture = capture
        self._shown = shown

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`."""
        has_picture, taken = self._capture.read()
        if not has_picture:
            return False, None
        shot = taken if isinstance(taken, Shot) else Shot(taken)
        if shot.fault:
            return True, shot
        # Before decoding, which takes as long as some cameras take for a picture.
        captured_ns = shot.capture_monotonic_ns or time.monotonic_ns()
        try:
            pixels = decode_jpeg(shot.pixels, source=self._shown)
        except InputError as error:
            detail = say_what_is_wrong(error, self._shown)
            return True, torn_shot(detail, capture_monotonic_ns=captured_ns, missed=shot.missed)
        return True, replace(shot, pixels=pixels, capture_monotonic_ns=captured_ns)

    def release(self) -> None:
        """See `Capture.release`."""
        self._capture.release()


def decode_jpeg(picture: NDArray[np.uint8], *, source: str) -> NDArray[Any]:
    """Decode one picture of a motion JPEG.

    Args:
        picture: its bytes; the header of a part of a multipart stream may precede them.
        source: what messages call it.

    Returns:
        (height, width, 3) uint8, BGR; a grey picture has three equal channels.

    Raises:
        InputError: it is not whole, or no JPEG.
    """
    data = picture.tobytes()
    data = data[max(data.find(_JPEG_START), 0) :]
    pixels = decode_image(data, source=source).pixels
    return np.repeat(pixels, _RGB_CHANNELS, axis=2) if pixels.shape[2] == 1 else pixels


def say_what_is_wrong(error: Exception, shown: str) -> str:
    """What an error says was wrong with a picture: neither its name nor what to do about it.

    Args:
        error: raised for it.
        shown: what the error's message begins with.
    """
    return str(error).removeprefix(f"{shown}: ").partition(";")[0]
