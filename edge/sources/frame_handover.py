"""From the thread that captures to the one that consumes: every picture, or the newest."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.errors import EdgeError
    from edge.sources.capture import Shot

__all__ = ["Handover", "Picture"]

FILE_FRAMES_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """What was captured.

    Attributes:
        shot: the picture, its pixels contiguous and owned by whoever takes it.
        index: 0-based position among all that was captured.
        capture_time_ns: time.time_ns() when it was captured.
        capture_monotonic_ns: time.monotonic_ns() at the same moment.
    """

    shot: Shot
    index: int
    capture_time_ns: int
    capture_monotonic_ns: int


class Handover:
    """What the capture thread and the consumer share; `changed` guards every change."""

    def __init__(self, *, is_live: bool) -> None:
        self.changed = threading.Condition()
        self.pictures: deque[Picture] = deque()
        self.is_live = is_live
        self.is_open = False
        self.is_ended = False
        self.is_stopped = False
        self.error: EdgeError | None = None
        self.dropped = 0
        self.sign_of_life_s = time.monotonic()

    def announce_open(self) -> None:
        """Say that the capture is open; pictures may follow."""
        with self.changed:
            self.is_open = True
            self.changed.notify_all()

    def put(self, picture: Picture) -> None:
        """Hand a picture over; where every one is given, wait until there is room."""
        with self.changed:
            if self.is_live:
                self.dropped += len(self.pictures)
                self.pictures.clear()
            else:
                self.changed.wait_for(
                    lambda: self.is_stopped or len(self.pictures) < FILE_FRAMES_AHEAD,
                )
            if self.is_stopped:
                return
            self.pictures.append(picture)
            self.changed.notify_all()

    def count_missed(self, count: int) -> None:
        """Count pictures that were captured and never came here."""
        with self.changed:
            self.dropped += count

    def renew_deadline(self) -> None:
        """Say that there is no picture, and that nothing is wrong."""
        with self.changed:
            self.sign_of_life_s = time.monotonic()

    def end(self, error: EdgeError | None) -> None:
        """Say that no more pictures come; what was handed over is still given."""
        with self.changed:
            self.is_ended = True
            self.error = error
            self.changed.notify_all()

    def stop(self) -> None:
        """Say that no more pictures are wanted."""
        with self.changed:
            self.is_stopped = True
            self.pictures.clear()
            self.changed.notify_all()

    def wait_until_open(self, timeout_s: float) -> bool:
        """Whether it opened in time.

        Raises:
            EdgeError: what the capture thread met.
        """
        with self.changed:
            self.changed.wait_for(lambda: self.is_open or self.is_ended, timeout_s)
            if not self.is_open and self.error is not None:
                raise self.error
            return self.is_open

    def wait_for_picture(self, timeout_s: float) -> bool:
        """Whether `take` will not have to wait: a picture, the end or a stop came in time.

        Args:
            timeout_s: how long after this call, or after the last sign of life.
        """
        started_s = time.monotonic()
        with self.changed:
            while True:
                end_s = max(started_s, self.sign_of_life_s) + timeout_s
                rest_s = end_s - time.monotonic()
                if self.changed.wait_for(
                    lambda: bool(self.pictures) or self.is_ended or self.is_stopped,
                    max(rest_s, 0.0),
                ):
                    return True
                if rest_s <= 0:
                    return False

    def take(self) -> Picture | None:
        """The next picture; None at the end.

        Raises:
            EdgeError: what the capture thread met, once.
        """
        with self.changed:
            if self.is_stopped:
                return None
            if self.pictures:
                picture = self.pictures.popleft()
                self.changed.notify_all()
                return picture
            error, self.error = self.error, None
            if error is not None:
                raise error
            return None
