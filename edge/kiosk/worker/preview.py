"""Small JPEG pictures of what the camera sees."""

from __future__ import annotations

import threading
import time

import numpy as np

from edge.frame import Frame

__all__ = ["PreviewPace", "encode_preview"]

MOST_WIDTH = 640
JPEG_QUALITY = 80
WATCHED_INTERVAL_S = 0.1
"""Between two pictures while somebody looks: smooth enough to hold something before a camera."""

IDLE_INTERVAL_S = 1.0
"""Between two pictures while nobody does: the first that a client sees is not old."""

_BYTE_LEVELS = 257  # a 16-bit level by this is its byte


class PreviewPace:
    """Says whether it is time for another picture; `watch` may be called from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched_until_s = 0.0
        self._next_s = 0.0

    def watch(self, for_s: float) -> None:
        """Somebody looks, for so many seconds."""
        now_s = time.monotonic()
        with self._lock:
            self._watched_until_s = max(self._watched_until_s, now_s + for_s)
            self._next_s = min(self._next_s, now_s + WATCHED_INTERVAL_S)

    def is_due(self) -> bool:
        """Whether a picture is to be sent now; counts it as sent."""
        now_s = time.monotonic()
        with self._lock:
            if now_s < self._next_s:
                return False
            is_watched = now_s < self._watched_until_s
            self._next_s = now_s + (WATCHED_INTERVAL_S if is_watched else IDLE_INTERVAL_S)
            return True


def encode_preview(frame: Frame) -> bytes:
    """A frame as a JPEG at most `MOST_WIDTH` pixels wide; b"" where it has no picture to show.

    It is for eyes only and never comes near the model.
    """
    import cv2

    pixels = frame.pixels
    height, width = pixels.shape[:2]
    if width > MOST_WIDTH:
        size = (MOST_WIDTH, max(1, round(height * MOST_WIDTH / width)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        pixels = pixels.reshape(size[1], size[0], -1)
    if pixels.dtype == np.uint16:
        pixels = (pixels // _BYTE_LEVELS).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = (np.clip(pixels, 0.0, 1.0) * 255).astype(np.uint8)
    if frame.colour == "rgb":
        pixels = np.ascontiguousarray(pixels[:, :, ::-1])
    is_encoded, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes() if is_encoded else b""
