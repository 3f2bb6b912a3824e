"""What a Video4Linux camera is asked for, and what it then gives."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from edge.errors import DeviceError, InputTooLargeError
from edge.sources import v4l2_driver as v4l2
from edge.sources.address import Size
from edge.sources.capture import MAX_FRAME_PIXELS
from edge.sources.raw_layout import RAW_FORMATS

if TYPE_CHECKING:
    from edge.sources.v4l2_driver import Driver

__all__ = ["JPEG_FORMATS", "CameraMode", "GivenMode", "set_mode"]

logger = logging.getLogger(__name__)

JPEG_FORMATS = ("MJPG", "JPEG")

_DEFAULT_SIZE = Size(640, 480)
_DEFAULT_FPS = 30.0
_FPS_TOLERANCE = 1.0
_LARGEST_DENOMINATOR = 1001
_MOST_FORMATS = 1000
_MOST_NAMED = 8
_PROGRESSIVE = 1
# Each buffer of these holds every second row only; or all of them, one half above the other.
_HALVES = frozenset({2, 3, 5, 6, 7})


@dataclass(frozen=True, slots=True)
class CameraMode:
    """What a camera is asked for.

    Attributes:
        fourcc: four-character code of the format; "": one that it has and that is read here,
            uncompressed up to 640x480, JPEG beyond, where a cable carries nothing else in time.
        size: of a picture; None: 640x480.
        fps: frames per second; None: 30.
    """

    fourcc: str = ""
    size: Size | None = None
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class GivenMode:
    """What a camera gives.

    Attributes:
        fourcc: one of `JPEG_FORMATS` or `RAW_FORMATS`.
        size: of a picture.
        stride_bytes: from one row to the next; 0 for JPEG.
    """

    fourcc: str
    size: Size
    stride_bytes: int


def set_mode(driver: Driver, mode: CameraMode, *, shown: str) -> GivenMode:
    """Ask a camera for a mode, and compare it with what it then says.

    Drivers take the nearest size and rate that they have: that is used, and a warning says so.
    The format is what was asked for or an error, so that nobody takes one kind of picture for
    another.

    Args:
        driver: nothing was read from it.
        mode: what it is asked for.
        shown: what messages call it.

    Raises:
        DeviceError: the camera does not give this format, or none that is read here.
        InputTooLargeError: its pictures are over the size limit.
        OSError: a call failed.
    """
    wanted = mode.size or _DEFAULT_SIZE
    fourcc = _choose_format(_list_formats(driver), mode, wanted, shown)
    given = _set_format(driver, fourcc, wanted, shown)
    if mode.size is not None and given.size != mode.size:
        logger.warning("%s: the camera gives %s instead", shown, given.size)
    _set_rate(driver, mode.fps, shown)
    return given


def _list_formats(driver: Driver) -> list[str]:
    formats: list[str] = []
    for index in range(_MOST_FORMATS):
        entry = v4l2.FormatDescription(index=index, type=v4l2.CAPTURE)
        try:
            driver.call(v4l2.ENUM_FMT, entry)
        except OSError as error:
            if error.errno == errno.EINVAL:
                break
            raise
        formats.append(_to_text(entry.pixelformat))
    return formats


def _choose_format(formats: list[str], mode: CameraMode, size: Size, shown: str) -> str:
    readable = (*RAW_FORMATS, *JPEG_FORMATS)
    known = [each for each in formats if each in readable] or formats[:_MOST_NAMED]
    seen = ", ".join(each.strip() for each in known) or "no pictures"
    if mode.fourcc:
        if mode.fourcc in formats and mode.fourcc in readable:
            return mode.fourcc
        raise DeviceError(
            f"{shown}: the camera gives {seen}, and {mode.fourcc.strip()} is "
            f"{'not read here' if mode.fourcc in formats else 'none of these'}; ask for another "
            "format, or leave it out",
        )
    is_small = size.width * size.height <= _DEFAULT_SIZE.width * _DEFAULT_SIZE.height
    order = readable if is_small else (*JPEG_FORMATS, *RAW_FORMATS)
    for each in order:
        if each in formats:
            return each
    raise DeviceError(
        f"{shown}: the camera gives {seen}, none of which is read here; use another "
        "/dev/videoN of it, or picamera: or csi: for one on a ribbon cable",
    )


def _set_format(driver: Driver, fourcc: str, size: Size, shown: str) -> GivenMode:
    value = v4l2.Format(
        type=v4l2.CAPTURE,
        width=size.width,
        height=size.height,
        pixelformat=int.from_bytes(fourcc.encode("ascii"), "little"),
        field=_PROGRESSIVE,
    )
    driver.call(v4l2.S_FMT, value)
    got = _to_text(value.pixelformat)
    if got != fourcc:
        raise DeviceError(
            f"{shown}: the camera gives {got.strip()!r}, not {fourcc.strip()}; ask for another "
            "format, or leave it out",
        )
    if value.field in _HALVES:
        raise DeviceError(
            f"{shown}: the camera gives every second row at a time; use a progressive one",
        )
    if value.width * value.height > MAX_FRAME_PIXELS:
        raise InputTooLargeError(
            f"{shown}: frames are {value.width} x {value.height}, over the limit of "
            f"{MAX_FRAME_PIXELS} pixels; ask for a smaller size",
        )
    stride = 0 if fourcc in JPEG_FORMATS else int(value.bytesperline)
    return GivenMode(fourcc, Size(int(value.width), int(value.height)), stride)


def _set_rate(driver: Driver, fps: float | None, shown: str) -> None:
    rate = Fraction(fps or _DEFAULT_FPS).limit_denominator(_LARGEST_DENOMINATOR)
    value = v4l2.StreamParameters(
        type=v4l2.CAPTURE, numerator=rate.denominator, denominator=rate.numerator
    )
    try:
        driver.call(v4l2.S_PARM, value)
        driver.call(v4l2.G_PARM, value)
    except OSError:
        value.numerator = 0
    if fps is None:
        return
    if not value.numerator:
        logger.warning("%s: the camera takes no wishes as to its frames per second", shown)
    elif abs((given := value.denominator / value.numerator) - fps) >= _FPS_TOLERANCE:
        logger.warning("%s: the camera gives %g frames per second instead", shown, given)


def _to_text(code: int) -> str:
    return code.to_bytes(4, "little").decode("ascii", "replace")
