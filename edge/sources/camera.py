"""Cameras that Linux shows as /dev/videoN."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import DeviceError, UsageError
from edge.opencv import import_opencv
from edge.sources.address import parse_address, parse_fps, parse_size
from edge.sources.capture import CaptureSettings, Deadlines
from edge.sources.captured_frames import CapturedFrames
from edge.sources.v4l2_capture import open_camera_device
from edge.sources.v4l2_mode import CameraMode

if TYPE_CHECKING:
    from edge.sources.capture import Capture

__all__ = ["list_cameras", "open_camera", "parse_camera"]

# The names that udev's own rules and those of `edge-kiosk install` give a camera stay its own when
# it is unplugged and comes back under another number.
_DEVICE = re.compile(
    r"(?P<number>\d{1,3})|"
    r"(?P<device>/dev/(?:video\d{1,3}|edgedx-camera|v4l/by-(?:id|path)/[\w.:+@-]{1,200}))",
    re.ASCII,
)
_FOURCC = re.compile(r"[A-Z0-9 ]{1,4}", re.ASCII)
_WAY_OUT = "check its cable and power, and that no other program uses it"


def open_camera(address: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open a camera; the newest frame wins.

    Args:
        address: "camera:N" or "camera:/dev/videoN", with options as `parse_camera`.
        deadlines: how long it may be silent.

    Raises:
        UsageError: the address is neither, or an option is wrong.
        DeviceError: there is no such camera, it cannot be opened, or it has not the format.
        DeviceTimeoutError: it did not open in time.
    """
    device, mode = parse_camera(address)
    _check_device(address, device)
    # Now, or else importing it would count as opening the camera.
    import_opencv()

    def open_capture() -> Capture:
        return open_camera_device(
            str(device), mode, read_s=deadlines.read_s, shown=address, way_out=_WAY_OUT
        )

    return CapturedFrames(
        open_capture,
        CaptureSettings(source=address, is_live=True, way_out=_WAY_OUT, deadlines=deadlines),
    )


def parse_camera(address: str) -> tuple[Path, CameraMode]:
    """The device file that a camera's address means, and what it is asked for.

    Args:
        address: "camera:N", "camera:/dev/videoN", or a name that udev gives, such as
            "camera:/dev/v4l/by-id/..." and "camera:/dev/edgedx-camera"; it need not exist. Then,
            after a "?" and with "&" between them, any of format=FOURCC, size=WIDTHxHEIGHT and
            fps=NUMBER.

    Raises:
        UsageError: the address is neither, or an option is wrong.
    """
    parsers = {"format": _parse_fourcc, "size": parse_size, "fps": parse_fps}
    place, options = parse_address(address, "camera", parsers)
    match = _DEVICE.fullmatch(place)
    if match is None:
        raise UsageError(f"{address!r} is no camera; write camera:0 or camera:/dev/video0")
    device = Path(match["device"] or f"/dev/video{int(match['number'])}")
    return device, CameraMode(options.get("format", ""), options.get("size"), options.get("fps"))


def list_cameras() -> list[Path]:
    """The /dev/videoN of this machine, by number; not all of them give pictures."""
    numbered = (
        (int(path.name.removeprefix("video")), path)
        for path in Path("/dev").glob("video*")
        if re.fullmatch(r"video\d+", path.name, re.ASCII)
    )
    return [path for _, path in sorted(numbered)]


def _check_device(address: str, device: Path) -> None:
    try:
        mode = device.stat().st_mode
    except OSError as error:
        seen = ", ".join(map(str, list_cameras())) or "no /dev/video* at all"
        raise DeviceError(
            f"{address}: there is no {device} (this machine has {seen}); check its cable, "
            "or name another camera",
        ) from error
    if not stat.S_ISCHR(mode):
        raise DeviceError(f"{address}: {device} is no device; name a camera")
    if not os.access(device, os.R_OK | os.W_OK):
        raise DeviceError(
            f"{address}: {device} may not be read by this user; add the user to the group 'video'",
        )


def _parse_fourcc(text: str) -> str:
    if _FOURCC.fullmatch(text):
        return text.ljust(4)
    raise ValueError("a four-character code such as MJPG or YUYV")
