"""A Video4Linux camera through OpenCV: what it is asked for, what it gives, and when."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.errors import DeviceError
from edge.sources.capture import Shot, torn_shot
from edge.sources.driver_clock import DriverClock
from edge.sources.jpeg_frames import JPEG_CODES, JpegFrames
from edge.sources.opencv_capture import OpenCvCapture, load_opencv, on_one_line, open_backend

if TYPE_CHECKING:
    from types import ModuleType

    from edge.sources.address import Size
    from edge.sources.capture import Capture

__all__ = ["CameraMode", "V4l2Capture", "open_with_v4l2", "set_mode"]

logger = logging.getLogger(__name__)

# One is being filled while the other is read. With one alone a camera loses the picture that
# begins meanwhile; more would let old pictures wait where decoding is slower than the camera.
_BUFFERS = 2
_FPS_TOLERANCE = 1.0
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class CameraMode:
    """What a camera is asked for.

    Attributes:
        fourcc: four-character code of the format; "" leaves it to OpenCV, which prefers
            uncompressed ones.
        size: of a picture; None: 640x480, or what the driver has nearest to it.
        fps: frames per second; None: 30, likewise.
    """

    fourcc: str = ""
    size: Size | None = None
    fps: float | None = None


class V4l2Capture(OpenCvCapture):
    """An open camera; its pictures carry the driver's time of capture."""

    def __init__(self, opencv: ModuleType, capture: Any, *, shown: str) -> None:
        super().__init__(opencv, capture, shown=shown)
        self._clock = DriverClock()

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`; the pixels are JPEG bytes where the camera gives such."""
        error_type: type[Exception] = self._opencv.error
        try:
            if not self._capture.grab():
                return False, None
            now_ns = time.monotonic_ns()
            stamp_ms = self._capture.get(self._opencv.CAP_PROP_POS_MSEC)
        except error_type as error:
            raise DeviceError(
                f"{self._shown}: OpenCV failed to read a frame ({on_one_line(error)}); "
                "open it anew",
            ) from error
        captured_ns = self._clock.find_capture_ns(round(stamp_ms * _NS_PER_MS), now_ns)
        try:
            has_picture, pixels = self._capture.retrieve()
        except error_type as error:
            # OpenCV checks the length of a buffer when it turns its bytes into pixels.
            detail = f"the buffer is no whole picture ({on_one_line(error)})"
            return True, torn_shot(detail, capture_monotonic_ns=captured_ns)
        if not has_picture or pixels is None:
            detail = "the buffer holds no picture"
            return True, torn_shot(detail, capture_monotonic_ns=captured_ns)
        return True, Shot(pixels, capture_monotonic_ns=captured_ns)


def open_with_v4l2(device: str, mode: CameraMode, *, shown: str) -> Capture | None:
    """Open a camera with Video4Linux and nothing else. May hang.

    Args:
        device: its device file, such as "/dev/video0".
        mode: what it is asked for.
        shown: what messages call it.

    Returns:
        None where it cannot be opened.

    Raises:
        DeviceError: this OpenCV has no Video4Linux, or failed; the camera has not the format.
        InputTooLargeError: its frames are over the size limit.
    """
    opencv = load_opencv()
    capture = open_backend(opencv, (device, opencv.CAP_V4L2), shown=shown)
    if capture is None:
        return None
    try:
        set_mode(opencv, capture, mode, shown=shown)
    except DeviceError:
        capture.release()
        raise
    opened = V4l2Capture(opencv, capture, shown=shown)
    if opened.fourcc not in JPEG_CODES:
        return opened
    # Left to OpenCV, a cut JPEG becomes a picture with grey in it.
    capture.set(opencv.CAP_PROP_CONVERT_RGB, 0)
    return JpegFrames(opened, shown=shown)


def set_mode(opencv: ModuleType, capture: Any, mode: CameraMode, *, shown: str) -> None:
    """Ask a camera for a mode, and compare it with what it then says.

    Drivers take the nearest size and rate that they have: that is used, and a warning says so.
    The format is what was asked for or an error, because it decides whether a torn picture can
    be told from a whole one.

    Args:
        opencv: OpenCV.
        capture: an open `cv2.VideoCapture` that nothing was read from.
        mode: what it is asked for.
        shown: what messages call it.

    Raises:
        DeviceError: the camera does not give this format, or no picture at all in it.
    """
    if mode.fourcc:
        capture.set(opencv.CAP_PROP_FOURCC, opencv.VideoWriter.fourcc(*mode.fourcc))
    if mode.size is not None:
        capture.set(opencv.CAP_PROP_FRAME_WIDTH, mode.size.width)
        capture.set(opencv.CAP_PROP_FRAME_HEIGHT, mode.size.height)
    if mode.fps is not None:
        capture.set(opencv.CAP_PROP_FPS, mode.fps)
    capture.set(opencv.CAP_PROP_BUFFERSIZE, _BUFFERS)
    _compare(opencv, capture, mode, shown)


def _compare(opencv: ModuleType, capture: Any, mode: CameraMode, shown: str) -> None:
    fourcc = OpenCvCapture(opencv, capture, shown=shown).fourcc.decode("ascii", "replace")
    if mode.fourcc and fourcc != mode.fourcc:
        raise DeviceError(
            f"{shown}: the camera gives {fourcc.strip()!r}, not {mode.fourcc.strip()}; ask for a "
            "format that `v4l2-ctl --list-formats-ext` shows, or leave the format out",
        )
    width = int(capture.get(opencv.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(opencv.CAP_PROP_FRAME_HEIGHT))
    if mode.size is not None and (width, height) != (mode.size.width, mode.size.height):
        logger.warning("%s: the camera gives %d x %d instead", shown, width, height)
    fps = float(capture.get(opencv.CAP_PROP_FPS))
    if mode.fps is None or abs(fps - mode.fps) < _FPS_TOLERANCE:
        return
    if fps > 0:
        logger.warning("%s: the camera gives %g frames per second instead", shown, fps)
    else:
        logger.warning("%s: the camera takes no wishes as to its frames per second", shown)
