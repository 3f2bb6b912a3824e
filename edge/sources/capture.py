"""What a capture is, what it is called, and how long it may be silent."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError
from edge.frame import Colour, Fault

__all__ = [
    "MAX_FRAME_PIXELS",
    "NOTHING_YET",
    "Capture",
    "CaptureSettings",
    "Deadlines",
    "Shot",
    "torn_shot",
]

MAX_FRAME_PIXELS = 50_000_000

NOTHING_YET: Final = object()
"""Given by `Capture.read` where there is no picture and nothing is wrong: silence that is known
to be silence renews the deadline."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture, with what is known of it beyond its pixels.

    Attributes:
        pixels: (height, width, 3) uint8 for "bgr", (height, width, 1) for "grey"; a file's
            picture may also be uint16 or float32. Never written again.
        colour: what the channels mean.
        capture_monotonic_ns: time.monotonic_ns() when it was taken; 0: when `read` returned.
        fault: as `Frame.fault`.
        fault_detail: as `Frame.fault_detail`.
        file_name: as `Frame.file_name`.
        missed: frames that were captured since the picture before and that nobody will see.
    """

    pixels: Any
    colour: Colour = "bgr"
    capture_monotonic_ns: int = 0
    fault: Fault = ""
    fault_detail: str = ""
    file_name: str = ""
    missed: int = 0


def torn_shot(
    detail: str,
    *,
    pixels: NDArray[np.uint8] | None = None,
    capture_monotonic_ns: int = 0,
    file_name: str = "",
    missed: int = 0,
) -> Shot:
    """A picture of which only part came.

    Args:
        detail: what is wrong, in a few words.
        pixels: (height, width, 3), what came of it; None: one black pixel stands for it.
        capture_monotonic_ns: as `Shot`.
        file_name: as `Shot`.
        missed: as `Shot`.
    """
    return Shot(
        np.zeros((1, 1, 3), np.uint8) if pixels is None else pixels,
        capture_monotonic_ns=capture_monotonic_ns,
        fault="torn",
        fault_detail=detail,
        file_name=file_name,
        missed=missed,
    )


class Capture(Protocol):
    """What gives pictures: the part of `cv2.VideoCapture` that is used. Either call may hang."""

    def read(self) -> tuple[bool, Any]:
        """Wait for a picture.

        Returns:
            True and a `Shot`, or its pixels alone where they are (height, width, 3) uint8, BGR,
            an array that is never written again; or True and `NOTHING_YET`;
            or False and anything: there will be no more.

        Raises:
            EdgeError: the library failed.
        """
        ...

    def release(self) -> None:
        """Let go of the device, connection or file."""
        ...


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a capture may be silent.

    Attributes:
        open_s: seconds that opening may take.
        read_s: seconds that each frame may take.

    Raises:
        UsageError: a deadline is not a positive number of seconds.
    """

    open_s: float = 10.0
    read_s: float = 5.0

    def __post_init__(self) -> None:
        for what, seconds in (("open", self.open_s), ("read", self.read_s)):
            if not (math.isfinite(seconds) and 0 < seconds <= threading.TIMEOUT_MAX):
                raise UsageError(
                    f"the {what} timeout is {seconds}, not a positive number of seconds; "
                    "use 10 to open and 5 to read where in doubt",
                )


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What a capture is called and how its frames are handed over.

    Attributes:
        source: its address without credentials; becomes `Frame.source`.
        is_live: the newest frame wins and an end is a fault (camera, network stream);
            otherwise every frame is given in order and an end is an end (file).
        way_out: what a person may do where it fails; ends the error messages.
        deadlines: how long it may be silent.
        goes_on: one that is not live goes on for ever all the same, so that its end is a fault
            (watched folder).
    """

    source: str
    is_live: bool
    way_out: str
    deadlines: Deadlines = field(default_factory=Deadlines)
    goes_on: bool = False

    @property
    def is_endless(self) -> bool:
        """Whether an end is a fault."""
        return self.is_live or self.goes_on

    @property
    def shown(self) -> str:
        """The source on one line that any terminal can print."""
        return self.source if self.source.isprintable() else ascii(self.source)
