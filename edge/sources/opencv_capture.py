"""`cv2.VideoCapture` behind the `Capture` seam: one backend, chosen by name, and quiet."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any

from edge.errors import DecodeError, DeviceError, InputTooLargeError
from edge.opencv import import_opencv
from edge.sources.capture import MAX_FRAME_PIXELS, Deadlines
from edge.sources.jpeg_frames import JPEG_CODES, decode_jpeg

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "OpenCvCapture",
    "WholeFrames",
    "load_opencv",
    "open_with_ffmpeg",
]

# A server may not send us elsewhere: no redirects, and no format that lists further addresses
# or files (HLS, DASH, concat, numbered pictures). Over TCP where the server lets us choose:
# lost packets are grey blocks in a picture that someone will diagnose from.
_FFMPEG_OPTIONS = (
    "rtsp_flags;prefer_tcp|max_redirects;0|"
    "format_whitelist;avi,jpeg_pipe,matroska,mjpeg,mov,mpegts,mpjpeg,rtp,rtsp,sdp|tls_verify;1"
)
_FFMPEG_QUIET = "-8"  # AV_LOG_QUIET
_UNDECODED = -1


class OpenCvCapture:
    """An open `cv2.VideoCapture`; its errors are ours."""

    def __init__(self, opencv: ModuleType, capture: Any, *, shown: str) -> None:
        self._opencv = opencv
        self._capture = capture
        self._shown = shown

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`; OpenCV allocates a new array for each picture."""
        try:
            has_picture, pixels = self._capture.read()
        except self._opencv.error as error:
            raise DeviceError(
                f"{self._shown}: OpenCV failed to read a frame ({_one_line(error)}); open it anew",
            ) from error
        return has_picture, pixels

    @property
    def fourcc(self) -> bytes:
        """The four-character code of its pictures' format."""
        code = int(self._capture.get(self._opencv.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        return code.to_bytes(4, "little")

    @property
    def stated_frames(self) -> int:
        """How many frames its container says it holds; 0 where it does not say."""
        stated = self._capture.get(self._opencv.CAP_PROP_FRAME_COUNT)
        return int(stated) if math.isfinite(stated) and stated > 0 else 0

    def ask_for_jpegs(self) -> bool:
        """Have `read` give JPEG bytes, not pixels, where the video consists of JPEG pictures.

        Returns:
            Whether it does, and will.
        """
        if self.fourcc not in JPEG_CODES:
            return False
        return bool(self._capture.set(self._opencv.CAP_PROP_FORMAT, _UNDECODED))

    def release(self) -> None:
        """See `Capture.release`."""
        self._capture.release()


class WholeFrames:
    """The frames of a video file that are certainly whole.

    The last frame before a cut is decoded with its missing part made up, so each frame is given
    only once the next one was read or the end proved to be the end. JPEG frames are decoded
    here, because FFMPEG makes up what a short one lacks.
    """

    def __init__(
        self,
        capture: OpenCvCapture,
        *,
        stated_frames: int,
        fault: str,
        read_s: float,
        shown: str,
    ) -> None:
        """Read ahead of `capture`, which becomes this object's own.

        Args:
            capture: open, nothing read from it yet.
            stated_frames: how many frames there must be at least; 0 where that is not known.
            fault: what is known to be wrong with the file's end; empty where nothing is.
            read_s: seconds that each frame may take; an end after that is no end.
            shown: what messages call it.
        """
        self._capture = capture
        self._stated_frames = stated_frames
        self._fault = fault
        self._read_s = read_s
        self._shown = shown
        self._is_jpeg = capture.ask_for_jpegs()
        self._ahead: Any = None
        self._frames_read = 0
        self._frames_given = 0

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`.

        Raises:
            DecodeError: the file ends too early, or a JPEG frame is not whole.
        """
        while True:
            started_s = time.monotonic()
            has_picture, picture = self._capture.read()
            if not has_picture:
                return self._read_last(time.monotonic() - started_s)
            self._frames_read += 1
            before, self._ahead = self._ahead, picture
            if before is not None:
                return True, self._decode(before)

    def release(self) -> None:
        """See `Capture.release`."""
        self._capture.release()

    def _read_last(self, waited_s: float) -> tuple[bool, Any]:
        last, self._ahead = self._ahead, None
        # A deadline that passed is the caller's to tell; so is a file without any frame.
        if last is None or waited_s >= self._read_s:
            return False, None
        if self._frames_read < self._stated_frames:
            raise DecodeError(
                f"{self._shown}: ends after {self._frames_read} of {self._stated_frames} frames; "
                "it is cut or damaged, copy the file again",
            )
        if self._fault:
            raise DecodeError(
                f"{self._shown}: ends after {self._frames_read} frames and is not whole "
                f"({self._fault}); copy the file again",
            )
        return True, self._decode(last)

    def _decode(self, picture: Any) -> Any:
        index = self._frames_given
        self._frames_given += 1
        if not self._is_jpeg:
            return picture
        return decode_jpeg(picture, source=f"{self._shown}: frame {index}")


def load_opencv() -> ModuleType:
    """Import OpenCV, and keep it and its FFMPEG from printing where the user has not asked them.

    What they print holds whole addresses, passwords too. Settings of the process are made where
    they are unset: OPENCV_FFMPEG_LOGLEVEL, OPENCV_FFMPEG_CAPTURE_OPTIONS,
    OPENCV_FFMPEG_IS_THREAD_SAFE and, unless OPENCV_LOG_LEVEL is set or the level was changed,
    OpenCV's log level. FFMPEG's level is fixed once OpenCV has used FFMPEG: a program that opens
    videos itself before it uses edgedx chooses its own.

    Raises:
        DeviceError: OpenCV cannot be imported.
    """
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", _ffmpeg_options())
    # Or else one open that hangs holds a lock that every later one waits for. FFMPEG itself has
    # needed no lock there since version 4; OpenCV 4.10 comes with 5.1.
    os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
    if "OPENCV_FFMPEG_DEBUG" not in os.environ:
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    return import_opencv()


def open_with_ffmpeg(target: str, deadlines: Deadlines, *, shown: str) -> OpenCvCapture | None:
    """Open a video file or an address with FFMPEG and nothing else. May hang.

    Args:
        target: an absolute path or a network address.
        deadlines: given to FFMPEG too, which keeps them for most connections.
        shown: what messages call it.

    Returns:
        None where it cannot be opened.

    Raises:
        DeviceError: this OpenCV has no FFMPEG, or failed.
        InputTooLargeError: its frames are over the size limit.
    """
    opencv = load_opencv()
    parameters = [
        opencv.CAP_PROP_OPEN_TIMEOUT_MSEC,
        _milliseconds(deadlines.open_s),
        opencv.CAP_PROP_READ_TIMEOUT_MSEC,
        _milliseconds(deadlines.read_s),
    ]
    return _open(opencv, (target, opencv.CAP_FFMPEG, parameters), shown=shown)


def _open(opencv: ModuleType, arguments: tuple[Any, ...], *, shown: str) -> OpenCvCapture | None:
    backend = arguments[1]
    if not opencv.videoio_registry.hasBackend(backend):
        name = opencv.videoio_registry.getBackendName(backend)
        raise DeviceError(
            f"{shown}: this OpenCV was built without {name}; install opencv-python-headless",
        )
    try:
        capture = opencv.VideoCapture(*arguments)
        if not capture.isOpened():
            return None
        width = int(capture.get(opencv.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(opencv.CAP_PROP_FRAME_HEIGHT))
    except opencv.error as error:
        raise DeviceError(f"{shown}: OpenCV failed to open it ({_one_line(error)})") from error
    if width * height > MAX_FRAME_PIXELS:
        capture.release()
        raise InputTooLargeError(
            f"{shown}: frames are {width} x {height}, over the limit of {MAX_FRAME_PIXELS} pixels; "
            "make them smaller",
        )
    return OpenCvCapture(opencv, capture, shown=shown)


def _ffmpeg_options() -> str:
    # FFMPEG verifies no certificate unless told to, and the OpenSSL inside OpenCV's wheel looks
    # for the trusted ones where its builder had them.
    import ssl

    trusted = ssl.get_default_verify_paths().cafile
    if trusted is None or "|" in trusted or ";" in trusted:
        return _FFMPEG_OPTIONS
    return f"{_FFMPEG_OPTIONS}|ca_file;{trusted}"


def _milliseconds(seconds: float) -> int:
    # OpenCV takes an int, and 0 for "no deadline". Never less than ours: the time it took tells
    # a stream that fell silent from one that ended.
    return min(math.ceil(seconds * 1000), 2**31 - 1)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
