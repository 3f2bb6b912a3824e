"""Cameras on the ribbon cable of a Raspberry Pi, through picamera2."""

from __future__ import annotations

import logging
import re
import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.errors import DeviceError, UsageError
from edge.source_name import show_source
from edge.sources.address import Size, one_of, parse_address, parse_fps, parse_size
from edge.sources.capture import CaptureSettings, Deadlines, Shot, torn_shot
from edge.sources.captured_frames import CapturedFrames
from edge.sources.driver_clock import DriverClock

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["PiCamera", "PiCameraMode", "open_pi_camera"]

logger = logging.getLogger(__name__)

_WAY_OUT = "check the ribbon cable, and with `rpicam-hello --list-cameras` that the camera is seen"
_DEFAULT_SIZE = Size(1280, 720)
_NUMBER = re.compile(r"\d{0,2}", re.ASCII)

# libcamera names a format by the order of bits in a word: the bytes lie the other way round.
_CHANNELS = {
    "RGB888": slice(None),
    "BGR888": slice(None, None, -1),
    "XRGB8888": slice(0, 3),
    "XBGR8888": slice(2, None, -1),
}


@dataclass(frozen=True, slots=True)
class PiCameraMode:
    """What a camera is asked for.

    Attributes:
        format: a key of those that libcamera has, 8 bits a channel.
        size: of a picture.
        fps: frames per second.
    """

    format: str = "RGB888"
    size: Size = _DEFAULT_SIZE
    fps: float = 30.0


def open_pi_camera(address: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open a camera; the newest frame wins.

    Args:
        address: "picamera:" or "picamera:N", with any of format=RGB888|BGR888|XRGB8888|XBGR8888,
            size=WIDTHxHEIGHT and fps=NUMBER.
        deadlines: how long it may be silent.

    Raises:
        UsageError: the address or an option is wrong.
        DeviceError: picamera2 is not installed, or the camera cannot be opened.
        DeviceTimeoutError: it did not open in time.
    """
    parsers = {"format": one_of(*_CHANNELS), "size": parse_size, "fps": parse_fps}
    place, options = parse_address(address, "picamera", parsers)
    if not _NUMBER.fullmatch(place):
        raise UsageError(f"{show_source(address)}: is no camera; write picamera: or picamera:1")
    mode = PiCameraMode(**options)
    if mode.size.width % 2 or mode.size.height % 2:
        raise UsageError(f"{address}: size is {mode.size} and must have even sides")
    library = _import_picamera2(address)
    return CapturedFrames(
        lambda: PiCamera(library, int(place or 0), mode, read_s=deadlines.read_s, shown=address),
        CaptureSettings(source=address, is_live=True, way_out=_WAY_OUT, deadlines=deadlines),
    )


def _import_picamera2(shown: str) -> ModuleType:
    try:
        import picamera2
    except ImportError as error:
        why = " ".join(str(error).split())
        raise DeviceError(
            f"{shown}: picamera2 cannot be imported ({why}); `sudo apt install python3-picamera2`, "
            "and make the virtual environment with --system-site-packages",
        ) from error
    module: ModuleType = picamera2
    return module


class PiCamera:
    """A capture over `picamera2.Picamera2`."""

    def __init__(
        self,
        library: Any,
        number: int,
        mode: PiCameraMode,
        *,
        read_s: float,
        shown: str,
    ) -> None:
        """Open and start; may hang.

        Args:
            library: the module picamera2.
            number: which camera, as `rpicam-hello --list-cameras` counts them.
            mode: what it is asked for.
            read_s: seconds that each frame may take.
            shown: what messages call it.

        Raises:
            DeviceError: there is no such camera, it is in use, or it cannot be set up so.
        """
        self._read_s = read_s
        self._shown = shown
        self._clock = DriverClock()
        try:
            self._camera = library.Picamera2(number)
        except IndexError as error:
            raise DeviceError(f"{shown}: there is no camera {number}; {_WAY_OUT}") from error
        except (RuntimeError, OSError) as error:
            raise _cannot_open(shown, error) from error
        try:
            self._format = self._start(mode)
        except BaseException as error:
            self._camera.close()
            if isinstance(error, (RuntimeError, ValueError, OSError)):
                raise _cannot_open(shown, error) from error
            raise

    def _start(self, mode: PiCameraMode) -> str:
        frame_us = round(1_000_000 / mode.fps)
        configuration = self._camera.create_video_configuration(
            main={"format": mode.format, "size": (mode.size.width, mode.size.height)},
            controls={"FrameDurationLimits": (frame_us, frame_us)},
            # Or else a picture that came before it was asked for is given first.
            queue=False,
        )
        self._camera.configure(configuration)
        main = self._camera.camera_configuration()["main"]
        if main["format"] not in _CHANNELS:
            raise RuntimeError(f"the camera gives {main['format']}, not {mode.format}")
        if tuple(main["size"]) != (mode.size.width, mode.size.height):
            logger.warning("%s: the camera gives %d x %d instead", self._shown, *main["size"])
        self._camera.start()
        return str(main["format"])

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`.

        Raises:
            DeviceError: picamera2 failed.
        """
        try:
            request = self._camera.capture_request(wait=self._read_s)
        except (TimeoutError, FutureTimeoutError):
            # The request stays in the queue, and closing would wait for it.
            self._camera.cancel_all_and_flush()
            return False, None
        except (RuntimeError, OSError) as error:
            raise DeviceError(f"{self._shown}: {_on_one_line(error)}; {_WAY_OUT}") from error
        try:
            stamp_ns = int(request.get_metadata().get("SensorTimestamp", 0))
            pixels = request.make_array("main")
        except (RuntimeError, ValueError, OSError) as error:
            detail = f"the buffer is no whole picture ({_on_one_line(error)})"
            return True, torn_shot(detail)
        finally:
            request.release()
        captured_ns = self._clock.find_capture_ns(stamp_ns, time.monotonic_ns())
        return True, Shot(pixels[:, :, _CHANNELS[self._format]], capture_monotonic_ns=captured_ns)

    def release(self) -> None:
        """See `Capture.release`."""
        self._camera.close()


def _cannot_open(shown: str, error: BaseException) -> DeviceError:
    return DeviceError(f"{shown}: cannot be opened ({_on_one_line(error)}); {_WAY_OUT}")


def _on_one_line(error: BaseException) -> str:
    """What the innermost cause says: picamera2 wraps it in "did not complete"."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__
