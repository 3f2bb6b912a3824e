"""Video devices of this machine, by what `/sys` says of them; none is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devices.sysfs import find_paths, read_integer, read_text

__all__ = ["VideoDevice", "list_video_devices"]

Role = Literal["camera", "sensor", "codec"]

# Names that drivers give their nodes. A sensor gives raw data and needs libcamera or, on a Jetson,
# Argus to become pictures: Linux, Documentation/admin-guide/media (bcm2835-unicam, raspberrypi-
# rp1-cfe), and NVIDIA's `vi` driver. Codecs and scalers take pictures rather than give them.
_SENSORS = ("unicam", "rp1-cfe", "vi-output")
_CODECS = ("bcm2835-codec", "bcm2835-isp", "rpivid", "rpi-hevc-dec", "pispbe", "tegra-video")


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """One of them.

    Attributes:
        path: "/dev/video0".
        name: as its driver gives it.
        role: "camera" gives pictures by itself (`camera:0`), "sensor" needs libcamera or Argus,
            "codec" is no camera.
        is_accessible: whether this user may open it.
    """

    path: str
    name: str
    role: Role
    is_accessible: bool


def list_video_devices(root: Path = Path("/")) -> tuple[VideoDevice, ...]:
    """Every video device that is the first of its kind on its hardware.

    A USB camera has a second node for its metadata, which gives no pictures and is left out.

    Args:
        root: where `sys` and `dev` are.
    """
    found = []
    for folder in find_paths(root / "sys/class/video4linux", "video[0-9]*"):
        if read_integer(folder / "index") in (0, None):
            name = read_text(folder / "name") or ""
            device = root / "dev" / folder.name
            is_accessible = os.access(device, os.R_OK | os.W_OK)
            found.append(VideoDevice(f"/dev/{folder.name}", name, _role(name), is_accessible))
    return tuple(found)


def _role(name: str) -> Role:
    if name.startswith(_SENSORS):
        return "sensor"
    return "codec" if name.startswith(_CODECS) else "camera"
