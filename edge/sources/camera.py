"""Cameras that Linux shows as /dev/videoN."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import DeviceError, UsageError
from edge.sources.capture import CaptureSettings, Deadlines
from edge.sources.captured_frames import CapturedFrames
from edge.sources.opencv_capture import load_opencv, open_with_v4l2

if TYPE_CHECKING:
    from edge.sources.capture import Capture

__all__ = ["find_device", "list_cameras", "open_camera"]

_DEVICE = re.compile(r"camera:(?:(?P<number>\d{1,3})|(?P<device>/dev/video\d{1,3}))", re.ASCII)
_WAY_OUT = "check its cable and power, and that no other program uses it"


def open_camera(address: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open a camera; the newest frame wins.

    Args:
        address: "camera:N" or "camera:/dev/videoN".
        deadlines: how long it may be silent.

    Raises:
        UsageError: the address is neither.
        DeviceError: there is no such camera, or it cannot be opened.
        DeviceTimeoutError: it did not open in time.
    """
    device = find_device(address)
    _check_device(address, device)
    load_opencv()

    def open_capture() -> Capture | None:
        return open_with_v4l2(str(device), shown=address)

    return CapturedFrames(
        open_capture,
        CaptureSettings(source=address, is_live=True, way_out=_WAY_OUT, deadlines=deadlines),
    )


def find_device(address: str) -> Path:
    """The device file that a camera's address means; it need not exist.

    Args:
        address: "camera:N" or "camera:/dev/videoN".

    Raises:
        UsageError: the address is neither.
    """
    match = _DEVICE.fullmatch(address)
    if match is None:
        raise UsageError(f"{address!r} is no camera; write camera:0 or camera:/dev/video0")
    return Path(match["device"] or f"/dev/video{int(match['number'])}")


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
