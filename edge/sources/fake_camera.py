"""A camera that is none, for tests and demonstrations: a pattern or recorded frames, and faults."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputNotFoundError, UsageError
from edge.source_name import show_source
from edge.sources.address import Size, parse_address, parse_count, parse_fps, parse_size, parse_text
from edge.sources.base import VIDEO_SUFFIXES
from edge.sources.capture import CaptureSettings, Deadlines, Shot, torn_shot
from edge.sources.captured_frames import CapturedFrames
from edge.sources.fault_script import Fault, FaultSchedule, read_faults
from edge.sources.image_sequence import is_number_pattern, list_pictures
from edge.sources.picture_files import as_camera_pixels, read_picture
from edge.sources.video import open_video_file

__all__ = ["FakeCamera", "draw_pattern", "open_fake_camera"]

_PATTERN = "pattern"
_WAY_OUT = "wait until its script lets it come back"
_DEFAULT_SIZE = Size(640, 480)
_DEFAULT_FPS = 30.0
# Decoded pictures are kept for the next round up to this many bytes; the others are read again.
_KEPT_BYTES = 64 * 1024 * 1024
_PATTERN_STEPS = 64
_NS_PER_S = 1_000_000_000
# The operating system refuses to sleep for ages.
_LONGEST_SLEEP_S = 86_400.0

Pixels = NDArray[np.uint8]


def open_fake_camera(address: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open a fake camera; as with a real one, the newest frame wins.

    Args:
        address: "fake:pattern", or "fake:" and a folder of pictures, a picture, a pattern of
            numbered ones or a video, which are played round and round, each picture bit for bit
            as the file holds it. Options: fps=NUMBER (30), hold=COUNT (frames for which each
            picture stands: 1), faults=SCRIPT.json, and size=WIDTHxHEIGHT of the pattern (640x480).
        deadlines: how long it may be silent.

    Raises:
        UsageError: an option is wrong.
        InputError: the recording or the script cannot be read.
        DeviceError: the script has it lost now.
    """
    parsers = {
        "size": parse_size,
        "fps": parse_fps,
        "hold": parse_count,
        "faults": parse_text,
    }
    place, options = parse_address(address, "fake", parsers)
    _check_place(address, place, has_size="size" in options)
    faults = read_faults(options["faults"]) if "faults" in options else None
    make_pictures = _find_pictures(place, options.get("size", _DEFAULT_SIZE), deadlines)

    def open_capture() -> FakeCamera | None:
        camera = FakeCamera(
            make_pictures(),
            fps=options.get("fps", _DEFAULT_FPS),
            hold=options.get("hold", 1),
            faults=faults,
        )
        return None if camera.is_lost else camera

    return CapturedFrames(
        open_capture,
        CaptureSettings(source=address, is_live=True, way_out=_WAY_OUT, deadlines=deadlines),
    )


def draw_pattern(size: Size) -> Iterator[Pixels]:
    """Yield pictures for ever: bands of colour that move sideways.

    Each differs from the one before nearly everywhere, none is near black or white, and they
    come again after at most 64 to 128.

    Args:
        size: of each.
    """
    columns = np.arange(size.width)[None, :]
    rows = np.arange(size.height)[:, None]
    grid = np.zeros((size.height, size.width), np.int64)
    texture = ((columns * 5) ^ (rows * 3)) & 0x7F
    bands = [
        32 + columns * 160 // size.width + grid,
        32 + rows * 160 // size.height + grid,
        48 + texture,
    ]
    base = np.stack(bands, axis=2).astype(np.uint8)
    step = max(1, size.width // _PATTERN_STEPS)
    count = 0
    while True:
        yield np.roll(base, count * step % size.width, axis=1)
        count += 1


class FakeCamera:
    """A capture that keeps a camera's pace and does what its script says."""

    def __init__(
        self,
        pictures: Iterator[Pixels],
        *,
        fps: float,
        hold: int,
        faults: FaultSchedule | None,
    ) -> None:
        """Start.

        Args:
            pictures: what it sees, without end.
            fps: frames per second.
            hold: for how many frames each picture stands.
            faults: what goes wrong; None: nothing.
        """
        self._pictures = pictures
        self._interval_s = 1 / fps
        self._hold = hold
        self._faults = faults
        self._count = 0
        self._picture: Pixels | None = None
        self._due_s = time.monotonic()

    @property
    def is_lost(self) -> bool:
        """Whether its script has it lost now."""
        now = self._find_fault()
        return now is not None and now[0].fault == "lost"

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`.

        Raises:
            InputError: a recorded picture cannot be read.
        """
        self._wait(self._interval_s)
        now = self._find_fault()
        while now is not None and now[0].fault == "hang":
            time.sleep(min(now[1], _LONGEST_SLEEP_S))
            now = self._find_fault()
        if now is None:
            pixels = self._next_picture().copy()
            return True, Shot(pixels, capture_monotonic_ns=time.monotonic_ns())
        fault = now[0]
        if fault.fault == "lost":
            return False, None
        if fault.fault == "slow":
            self._wait(min(fault.interval_s, now[1], _LONGEST_SLEEP_S))
        return True, self._spoil(fault)

    def release(self) -> None:
        """See `Capture.release`."""
        close = getattr(self._pictures, "close", None)
        if close is not None:
            close()

    def _spoil(self, fault: Fault) -> Shot:
        before = self._picture
        pixels = self._next_picture() if before is None or fault.fault != "frozen" else before
        now_ns = time.monotonic_ns()
        if fault.fault == "torn":
            part = pixels[: max(1, len(pixels) // 3)].copy()
            detail = f"{len(part)} of {len(pixels)} rows came"
            return torn_shot(detail, pixels=part, capture_monotonic_ns=now_ns)
        if fault.fault == "black":
            pixels = np.zeros_like(pixels)
        elif fault.fault == "saturated":
            pixels = np.full_like(pixels, 255)
        elif fault.fault == "stale":
            now_ns = max(1, now_ns - round(fault.age_s * _NS_PER_S))
        return Shot(pixels.copy(), capture_monotonic_ns=now_ns)

    def _next_picture(self) -> Pixels:
        if self._picture is None or self._count % self._hold == 0:
            self._picture = next(self._pictures)
        self._count += 1
        return self._picture

    def _find_fault(self) -> tuple[Fault, float] | None:
        return None if self._faults is None else self._faults.find(time.monotonic_ns())

    def _wait(self, seconds: float) -> None:
        """Wait for the next frame's turn; a turn that was missed is not made up for."""
        now_s = time.monotonic()
        self._due_s = max(self._due_s + seconds, now_s)
        time.sleep(self._due_s - now_s)


def _check_place(address: str, place: str, *, has_size: bool) -> None:
    shown = show_source(address)
    if not place:
        raise UsageError(
            f"{shown}: names nothing to show; write fake:pattern, fake:FOLDER or fake:VIDEO",
        )
    if has_size and place != _PATTERN:
        raise UsageError(
            f"{shown}: recorded frames are given as they are; leave the size out",
        )


def _find_pictures(
    place: str,
    size: Size,
    deadlines: Deadlines,
) -> Callable[[], Iterator[Pixels]]:
    if place == _PATTERN:
        return lambda: draw_pattern(size)
    if PurePath(place).suffix.lower() in VIDEO_SUFFIXES:
        return lambda: _play_video(place, deadlines)
    if os.path.isdir(place) or is_number_pattern(place):  # noqa: PTH112 - names stay as written
        paths = list_pictures(place)
    elif os.path.exists(place):  # noqa: PTH110 - as above
        paths = [place]
    else:
        raise InputNotFoundError(
            f"{show_source(place)}: there is no such file or folder; check the name, or write "
            "fake:pattern",
        )
    return lambda: _play_pictures(paths)


def _play_pictures(paths: list[str]) -> Iterator[Pixels]:
    kept: dict[str, Pixels] = {}
    kept_bytes = 0
    while True:
        for path in paths:
            pixels = kept.get(path)
            if pixels is None:
                pixels = as_camera_pixels(read_picture(path), path)
                if kept_bytes + pixels.nbytes <= _KEPT_BYTES:
                    kept[path] = pixels
                    kept_bytes += pixels.nbytes
            yield pixels


def _play_video(path: str, deadlines: Deadlines) -> Iterator[Pixels]:
    while True:
        with open_video_file(path, deadlines=deadlines) as frames:
            for frame in frames:
                yield np.asarray(frame.pixels, np.uint8)
