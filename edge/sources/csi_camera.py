"""Cameras on the ribbon cable of a Jetson, through NVIDIA's GStreamer elements."""

from __future__ import annotations

import re
import shutil
from fractions import Fraction

from edge.errors import DeviceError, UsageError
from edge.source_name import show_source
from edge.sources.address import Size, one_of, parse_address, parse_fps, parse_size
from edge.sources.capture import CaptureSettings, Deadlines
from edge.sources.captured_frames import CapturedFrames
from edge.sources.child_frames import ChildFrames
from edge.sources.raw_layout import RawLayout

__all__ = ["open_csi_camera"]

_PROGRAM = "gst-launch-1.0"
_WAY_OUT = (
    "check the ribbon cable and that no other program uses the camera, or restart NVIDIA's camera "
    "service: sudo systemctl restart nvargus-daemon"
)
# GStreamer's names of formats, and Video4Linux's.
_FORMATS = {"BGRx": "XR24", "NV12": "NV12", "I420": "YU12"}
# GStreamer begins each row of a plane at a multiple of 4 bytes.
_PLANAR_STEP = 8
_NUMBER = re.compile(r"\d{1,2}", re.ASCII)
_DEFAULT_SIZE = Size(1280, 720)
_DEFAULT_FPS = 30.0
# NTSC rates are multiples of 1000 / 1001.
_LARGEST_DENOMINATOR = 1001


def open_csi_camera(address: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open a camera; the newest frame wins.

    Args:
        address: "csi:N", with any of size=WIDTHxHEIGHT, fps=NUMBER and format=BGRx|NV12|I420:
            the latter two copy less, and leave the colours to OpenCV.
        deadlines: how long it may be silent.

    Raises:
        UsageError: the address or an option is wrong.
        DeviceError: GStreamer is not installed, or the camera cannot be opened.
        DeviceTimeoutError: no frame came in time.
    """
    parsers = {"size": parse_size, "fps": parse_fps, "format": one_of(*_FORMATS)}
    place, options = parse_address(address, "csi", parsers)
    if not _NUMBER.fullmatch(place):
        raise UsageError(f"{show_source(address)}: is no camera; write csi:0")
    name, size = options.get("format", "BGRx"), options.get("size", _DEFAULT_SIZE)
    if name != "BGRx" and (size.width % _PLANAR_STEP or size.height % 2):
        raise UsageError(
            f"{address}: size is {size} and must have a width that 8 divides and an even height "
            f"for {name}",
        )
    layout = RawLayout(_FORMATS[name], size)
    fps = options.get("fps", _DEFAULT_FPS)
    program = shutil.which(_PROGRAM)
    if program is None:
        raise DeviceError(
            f"{address}: {_PROGRAM} is not installed; JetPack brings it, or "
            "`sudo apt install gstreamer1.0-tools` and NVIDIA's package nvidia-l4t-gstreamer",
        )

    def open_capture() -> ChildFrames:
        frames = ChildFrames(
            lambda descriptor: _pipeline(
                [program, "-q", "nvarguscamerasrc", f"sensor-id={int(place)}"],
                (name, size),
                fps,
                descriptor,
            ),
            layout,
            read_s=deadlines.read_s,
            shown=address,
            way_out=_WAY_OUT,
        )
        try:
            frames.wait_for_first(deadlines.open_s)
        except BaseException:
            frames.release()
            raise
        return frames

    return CapturedFrames(
        open_capture,
        CaptureSettings(source=address, is_live=True, way_out=_WAY_OUT, deadlines=deadlines),
    )


def _pipeline(
    camera: list[str], picture: tuple[str, Size], fps: float, descriptor: int
) -> list[str]:
    """The words of a pipeline from a camera to a descriptor."""
    name, size = picture
    rate = Fraction(fps).limit_denominator(_LARGEST_DENOMINATOR)
    camera_caps = (
        f"video/x-raw(memory:NVMM),format=NV12,width={size.width},height={size.height},"
        f"framerate={rate.numerator}/{rate.denominator}"
    )
    stages = [
        [camera_caps],
        ["nvvidconv"],
        [f"video/x-raw,format={name}"],
        # A picture that nobody took yet gives way to the next one.
        ["queue", "leaky=downstream", "max-size-buffers=1"],
        # Not to standard output: NVIDIA's elements write their messages there.
        ["fdsink", f"fd={descriptor}", "sync=false"],
    ]
    return [*camera, *(word for stage in stages for word in ("!", *stage))]
