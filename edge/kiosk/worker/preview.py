"""Small JPEG pictures of what the camera sees."""

from __future__ import annotations

import threading
import time

import numpy as np

from edge.frame import Frame, Pixels

__all__ = ["PreviewPace", "encode_preview"]

MOST_WIDTH = 640
MOST_HEIGHT = 2 * MOST_WIDTH
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

    try:
        pixels = _as_bytes(_shrunk(frame.pixels))
        if frame.colour == "rgb":
            pixels = np.ascontiguousarray(pixels[:, :, ::-1])
        is_encoded, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    except cv2.error:
        return b""  # what cannot be shown must not end the worker
    return data.tobytes() if is_encoded else b""


def _shrunk(pixels: Pixels) -> Pixels:
    import cv2

    height, width = pixels.shape[:2]
    scale = min(MOST_WIDTH / width, MOST_HEIGHT / height)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small.reshape(size[1], size[0], -1)


def _as_bytes(pixels: Pixels) -> Pixels:
    if pixels.dtype == np.uint16:
        return (pixels // _BYTE_LEVELS).astype(np.uint8)
    if pixels.dtype != np.uint8:
        return (np.clip(pixels, 0.0, 1.0) * 255).astype(np.uint8)
    return pixels
