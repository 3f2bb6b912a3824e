"""A Video4Linux camera, read without a library.

OpenCV can read one too, and is not asked to: it neither passes on that the driver marked a buffer
as damaged, nor that a buffer is short, so that half a picture would go for a whole one.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import mmap
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import DeviceError
from edge.sources import v4l2_driver as v4l2
from edge.sources.capture import Shot, torn_shot
from edge.sources.driver_clock import DriverClock
from edge.sources.file_bytes import say_why
from edge.sources.jpeg_frames import JpegFrames
from edge.sources.raw_layout import RawLayout
from edge.sources.v4l2_mode import JPEG_FORMATS, CameraMode, set_mode

if TYPE_CHECKING:
    from edge.sources.capture import Capture
    from edge.sources.v4l2_driver import Driver

__all__ = ["V4l2Capture", "open_camera_device", "open_driver"]

logger = logging.getLogger(__name__)

# One is being filled, one waits to be filled while the third is copied. Pictures do not age in
# them: all but the newest are given back unread.
_BUFFERS = 3
_CAN_CAPTURE = 0x1
_CAN_STREAM = 0x04000000
_HAS_DEVICE_CAPABILITIES = 0x80000000
_IS_DAMAGED = 0x40
_CLOCK_MASK = 0xE000
_MONOTONIC_CLOCK = 0x2000
_SEQUENCE_NUMBERS = 1 << 32
_MOST_MISSED = 100_000
_LOOK_S = 0.001


def open_camera_device(
    path: str, mode: CameraMode, *, read_s: float, shown: str, way_out: str
) -> Capture:
    """Open a camera's device file. May hang where its driver does.

    Args:
        path: such as "/dev/video0".
        mode: what the camera is asked for.
        read_s: seconds that each frame may take.
        shown: what messages call it.
        way_out: what a person may do where it fails.

    Raises:
        DeviceError: it is no camera, is in use, or has not the format.
        InputTooLargeError: its frames are over the size limit.
    """
    try:
        driver = v4l2.KernelDriver(path)
    except OSError as error:
        raise _failed(shown, "cannot be opened", error, way_out) from error
    return open_driver(driver, mode, read_s=read_s, shown=shown, way_out=way_out)


def open_driver(
    driver: Driver, mode: CameraMode, *, read_s: float, shown: str, way_out: str
) -> Capture:
    """Set a camera up and start it; as `open_camera_device`.

    Args:
        driver: of the camera; becomes the capture's own, and is closed where this fails.
        mode: as `open_camera_device`.
        read_s: likewise.
        shown: likewise.
        way_out: likewise.
    """
    try:
        _check_capability(driver, shown)
        given = set_mode(driver, mode, shown=shown)
        is_jpeg = given.fourcc in JPEG_FORMATS
        layout = None if is_jpeg else RawLayout(given.fourcc, given.size, given.stride_bytes)
        capture = V4l2Capture(driver, layout, read_s=read_s, shown=shown, way_out=way_out)
    except OSError as error:
        driver.close()
        raise _failed(shown, "cannot be opened", error, way_out) from error
    except BaseException:
        driver.close()
        raise
    return JpegFrames(capture, shown=shown) if is_jpeg else capture


class V4l2Capture:
    """A camera that streams."""

    def __init__(
        self,
        driver: Driver,
        layout: RawLayout | None,
        *,
        read_s: float,
        shown: str,
        way_out: str,
    ) -> None:
        """Start.

        Args:
            driver: set up; becomes this object's own unless this fails.
            layout: of its buffers; None: they are given as they are.
            read_s: seconds that each frame may take.
            shown: what messages call it.
            way_out: what a person may do where it fails.

        Raises:
            OSError: a call failed.
        """
        self._driver = driver
        self._layout = layout
        self._read_s = read_s
        self._shown = shown
        self._way_out = way_out
        self._clock = DriverClock()
        self._next_sequence: int | None = None
        self._maps: list[mmap.mmap] = []
        request = v4l2.RequestBuffers(count=_BUFFERS, type=v4l2.CAPTURE, memory=v4l2.MEMORY_MMAP)
        driver.call(v4l2.REQBUFS, request)
        try:
            self._start(int(request.count))
        except BaseException:
            self._unmap()
            raise

    def _start(self, count: int) -> None:
        for index in range(count):
            buffer = _buffer(index)
            self._driver.call(v4l2.QUERYBUF, buffer)
            self._maps.append(self._driver.map(buffer.offset, buffer.length))
            self._driver.call(v4l2.QBUF, buffer)
        self._driver.call(v4l2.STREAMON, ctypes.c_int(v4l2.CAPTURE))

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`; where there is no layout, the pixels are a buffer's bytes.

        Raises:
            DeviceError: the camera went away, or its driver failed.
        """
        try:
            buffer = self._take_newest()
            if buffer is None:
                return False, None
            now_ns = time.monotonic_ns()
            # Copied, so that the driver has its buffer back before anything is decoded.
            data = np.frombuffer(self._maps[buffer.index], np.uint8)[: buffer.bytesused].copy()
            self._driver.call(v4l2.QBUF, _buffer(buffer.index))
        except OSError as error:
            raise _failed(self._shown, "stopped", error, self._way_out) from error
        return True, self._to_shot(buffer, data, now_ns)

    def release(self) -> None:
        """See `Capture.release`."""
        try:
            self._driver.call(v4l2.STREAMOFF, ctypes.c_int(v4l2.CAPTURE))
        except OSError as error:
            # A camera that was unplugged has nothing to stop.
            logger.debug("%s: cannot be stopped (%s)", self._shown, say_why(error))
        finally:
            self._unmap()
            self._driver.close()

    def _take_newest(self) -> v4l2.Buffer | None:
        """Dequeue the newest buffer, and give older ones back; None where none came in time."""
        end_s = time.monotonic() + self._read_s
        newest: v4l2.Buffer | None = None
        is_ready = False
        while True:
            buffer = self._dequeue()
            if buffer is not None:
                if newest is not None:
                    self._driver.call(v4l2.QBUF, _buffer(newest.index))
                newest = buffer
            elif newest is not None:
                return newest
            else:
                rest_s = end_s - time.monotonic()
                if rest_s <= 0:
                    return None
                # Where it is ready again and again and there is nothing.
                time.sleep(_LOOK_S if is_ready else 0)
                is_ready = self._driver.wait(rest_s)

    def _dequeue(self) -> v4l2.Buffer | None:
        buffer = _buffer(0)
        try:
            self._driver.call(v4l2.DQBUF, buffer)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        return buffer

    def _to_shot(self, buffer: v4l2.Buffer, data: NDArray[np.uint8], now_ns: int) -> Shot:
        captured_ns = now_ns
        if buffer.flags & _CLOCK_MASK == _MONOTONIC_CLOCK:
            stamp_ns = buffer.seconds * 1_000_000_000 + buffer.microseconds * 1000
            captured_ns = self._clock.find_capture_ns(stamp_ns, now_ns)
        missed = self._count_missed(buffer.sequence)
        layout = self._layout
        whole_bytes = 1 if layout is None else layout.bytes
        if buffer.flags & _IS_DAMAGED:
            detail = "the driver marked the buffer as damaged"
        elif data.size < whole_bytes:
            detail = f"{data.size} of {whole_bytes} bytes came"
        else:
            pixels = data if layout is None else layout.to_pixels(data)
            return Shot(pixels, capture_monotonic_ns=captured_ns, missed=missed)
        part = None if layout is None else layout.to_part(data)
        return torn_shot(detail, pixels=part, capture_monotonic_ns=captured_ns, missed=missed)

    def _count_missed(self, sequence: int) -> int:
        """Frames since the last one that the driver, or this capture, left out."""
        expected, self._next_sequence = self._next_sequence, sequence + 1
        missed = 0 if expected is None else (sequence - expected) % _SEQUENCE_NUMBERS
        # A driver that does not count gives 0 for ever.
        return missed if missed < _MOST_MISSED else 0

    def _unmap(self) -> None:
        while self._maps:
            self._maps.pop().close()


def _check_capability(driver: Driver, shown: str) -> None:
    value = v4l2.Capability()
    driver.call(v4l2.QUERYCAP, value)
    has_own = value.capabilities & _HAS_DEVICE_CAPABILITIES
    capabilities = value.device_caps if has_own else value.capabilities
    if not capabilities & _CAN_CAPTURE or not capabilities & _CAN_STREAM:
        card = value.card.decode("utf-8", "replace")
        name = card if card.isprintable() else ascii(card)
        raise DeviceError(
            f"{shown}: this device of {name!r} gives no pictures that are read here; use another "
            "/dev/videoN, or picamera: or csi: for a camera on a ribbon cable",
        )


def _buffer(index: int) -> v4l2.Buffer:
    return v4l2.Buffer(index=index, type=v4l2.CAPTURE, memory=v4l2.MEMORY_MMAP)


def _failed(shown: str, what: str, error: OSError, way_out: str) -> DeviceError:
    return DeviceError(f"{shown}: {what} ({say_why(error)}); {way_out}")
