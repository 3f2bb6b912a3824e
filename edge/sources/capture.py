"""What a capture is, what it is called, and how long it may be silent."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

from edge.errors import UsageError

__all__ = ["MAX_FRAME_PIXELS", "Capture", "CaptureSettings", "Deadlines"]

MAX_FRAME_PIXELS = 50_000_000


class Capture(Protocol):
    """What gives pictures: the part of `cv2.VideoCapture` that is used. Either call may hang."""

    def read(self) -> tuple[bool, Any]:
        """Wait for a picture.

        Returns:
            True and (height, width, 3) uint8, BGR, an array that is never written again;
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
    """

    source: str
    is_live: bool
    way_out: str
    deadlines: Deadlines = field(default_factory=Deadlines)

    @property
    def shown(self) -> str:
        """The source on one line that any terminal can print."""
        return self.source if self.source.isprintable() else ascii(self.source)
