"""The calls of Video4Linux that are used, and the values they take (linux/videodev2.h).

Declared for 64-bit Linux, on which they are the same for every processor.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import select
from typing import Protocol

__all__ = [
    "CAPTURE",
    "DQBUF",
    "ENUM_FMT",
    "G_PARM",
    "MEMORY_MMAP",
    "QBUF",
    "QUERYBUF",
    "QUERYCAP",
    "REQBUFS",
    "STREAMOFF",
    "STREAMON",
    "S_FMT",
    "S_PARM",
    "Buffer",
    "Capability",
    "Driver",
    "Format",
    "FormatDescription",
    "KernelDriver",
    "RequestBuffers",
    "StreamParameters",
]

CAPTURE = 1
MEMORY_MMAP = 1

_U8, _U32 = ctypes.c_uint8, ctypes.c_uint32


class Capability(ctypes.Structure):
    """`struct v4l2_capability`."""

    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", _U32),
        ("capabilities", _U32),
        ("device_caps", _U32),
        ("reserved", _U32 * 3),
    )


class FormatDescription(ctypes.Structure):
    """`struct v4l2_fmtdesc`."""

    _fields_ = (
        ("index", _U32),
        ("type", _U32),
        ("flags", _U32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", _U32),
        ("mbus_code", _U32),
        ("reserved", _U32 * 3),
    )


class Format(ctypes.Structure):
    """`struct v4l2_format` with its member `pix`; the union begins at a multiple of 8."""

    _fields_ = (
        ("type", _U32),
        ("padding", _U32),
        ("width", _U32),
        ("height", _U32),
        ("pixelformat", _U32),
        ("field", _U32),
        ("bytesperline", _U32),
        ("sizeimage", _U32),
        ("rest", _U8 * 176),
    )


class RequestBuffers(ctypes.Structure):
    """`struct v4l2_requestbuffers`."""

    _fields_ = (
        ("count", _U32),
        ("type", _U32),
        ("memory", _U32),
        ("capabilities", _U32),
        ("flags", _U8),
        ("reserved", _U8 * 3),
    )


class Buffer(ctypes.Structure):
    """`struct v4l2_buffer`."""

    _fields_ = (
        ("index", _U32),
        ("type", _U32),
        ("bytesused", _U32),
        ("flags", _U32),
        ("field", _U32),
        ("padding", _U32),
        ("seconds", ctypes.c_int64),
        ("microseconds", ctypes.c_int64),
        ("timecode", _U8 * 16),
        ("sequence", _U32),
        ("memory", _U32),
        ("offset", _U32),
        ("rest_of_union", _U32),
        ("length", _U32),
        ("reserved2", _U32),
        ("request_fd", ctypes.c_int32),
        ("end_padding", _U32),
    )


class StreamParameters(ctypes.Structure):
    """`struct v4l2_streamparm` with its member `capture`."""

    _fields_ = (
        ("type", _U32),
        ("capability", _U32),
        ("capturemode", _U32),
        ("numerator", _U32),
        ("denominator", _U32),
        ("rest", _U8 * 184),
    )


def _number(direction: int, number: int, size: int) -> int:
    """A request's number (asm-generic/ioctl.h): 1 writes, 2 reads, 3 does both."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


QUERYCAP = _number(2, 0, ctypes.sizeof(Capability))
ENUM_FMT = _number(3, 2, ctypes.sizeof(FormatDescription))
S_FMT = _number(3, 5, ctypes.sizeof(Format))
REQBUFS = _number(3, 8, ctypes.sizeof(RequestBuffers))
QUERYBUF = _number(3, 9, ctypes.sizeof(Buffer))
QBUF = _number(3, 15, ctypes.sizeof(Buffer))
DQBUF = _number(3, 17, ctypes.sizeof(Buffer))
STREAMON = _number(1, 18, ctypes.sizeof(ctypes.c_int))
STREAMOFF = _number(1, 19, ctypes.sizeof(ctypes.c_int))
G_PARM = _number(3, 21, ctypes.sizeof(StreamParameters))
S_PARM = _number(3, 22, ctypes.sizeof(StreamParameters))


class Driver(Protocol):
    """An open video device. Every call may raise OSError."""

    def call(self, request: int, value: ctypes.Structure | ctypes.c_int) -> None:
        """Make a request, which may change the value."""
        ...

    def map(self, offset: int, length: int) -> mmap.mmap:
        """Map a buffer of the driver's for reading."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Whether something can be dequeued, or is wrong, before the time is up."""
        ...

    def close(self) -> None:
        """Let go of the device."""
        ...


class KernelDriver:
    """A device file."""

    def __init__(self, path: str) -> None:
        """Open it without waiting.

        Args:
            path: such as "/dev/video0".

        Raises:
            OSError: it cannot be opened.
        """
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def call(self, request: int, value: ctypes.Structure | ctypes.c_int) -> None:
        """See `Driver.call`."""
        fcntl.ioctl(self._descriptor, request, value, True)

    def map(self, offset: int, length: int) -> mmap.mmap:
        """See `Driver.map`."""
        return mmap.mmap(self._descriptor, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset)

    def wait(self, timeout_s: float) -> bool:
        """See `Driver.wait`."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))

    def close(self) -> None:
        """See `Driver.close`."""
        os.close(self._descriptor)
