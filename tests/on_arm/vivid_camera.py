"""The virtual machine's camera, and two ways in which it fails as if it were unplugged."""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEVICE = Path("/dev/video0")

_DRIVER = Path("/sys/bus/platform/drivers/vivid")
# Linux, include/uapi/linux/videodev2.h and drivers/media/test-drivers/vivid/vivid-ctrls.c: the
# camera fails, and is there again once nobody has it open.
_VIDIOC_S_CTRL = 0xC008561C
_VIVID_CID_DISCONNECT = 0x00F0F000 + 65


@contextmanager
def taken_away() -> Iterator[None]:
    """As a USB camera whose plug is pulled: its device file is gone."""
    (_DRIVER / "unbind").write_text("vivid.0")
    yield
    (_DRIVER / "bind").write_text("vivid.0")


@contextmanager
def disconnected() -> Iterator[None]:
    """As a camera whose device file is there, but cannot be opened."""
    descriptor = os.open(DEVICE, os.O_RDWR)
    fcntl.ioctl(descriptor, _VIDIOC_S_CTRL, struct.pack("Ii", _VIVID_CID_DISCONNECT, 1))
    yield
    os.close(descriptor)
