"""How the source of a stream fares: its state, and the events that tell of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge.streaming.events import EventCode, EventLevel, SourceState, StreamEvent

__all__ = ["SourceStatus", "SourceWatch"]

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The part of `StreamState` that is about the source; the fields are as there."""

    source: SourceState
    since_monotonic_ns: int
    attempts: int = 0
    reconnects: int = 0
    next_attempt_monotonic_ns: int = 0


class SourceWatch:
    """Keeps the status. One thread changes it, any may read it.

    A source counts as open when a frame came from it: a camera that opens may still give none.
    One whose silence is no fault, such as a watched folder, is open when it was opened.

    Args:
        tell: called with each event.
    """

    def __init__(self, tell: Callable[[StreamEvent], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._status = SourceStatus("opening", time.monotonic_ns())

    @property
    def status(self) -> SourceStatus:
        """How the source is now."""
        with self._lock:
            return self._status

    def attempt(self) -> None:
        """It is about to be opened."""
        status = self.status
        self._set(replace(status, attempts=status.attempts + 1, next_attempt_monotonic_ns=0))
        if status.source == "opening" and status.attempts == 0:
            self._say("source_opening", "info", "the source is being opened")

    def frame_came(self) -> None:
        """A frame came from it."""
        self._opened("the source gives frames")

    def opened_in_silence(self) -> None:
        """It was opened, and need not give a frame."""
        self._opened("the source is open")

    def _opened(self, message: str) -> None:
        status = self.status
        if status.source == "open":
            return
        now_ns = time.monotonic_ns()
        is_back = status.source == "lost"
        self._set(SourceStatus("open", now_ns, reconnects=status.reconnects + is_back))
        if is_back:
            away_s = (now_ns - status.since_monotonic_ns) / _NS_PER_S
            self._say("source_back", "info", f"{message} again, after {away_s:.1f} s")
        else:
            self._say("source_open", "info", message)

    def failed(self, reason: str, *, wait_s: float) -> None:
        """It failed, and is opened anew after so many seconds."""
        status, now_ns = self.status, time.monotonic_ns()
        is_news = status.source != "lost"
        self._set(
            SourceStatus(
                "lost",
                now_ns if is_news else status.since_monotonic_ns,
                attempts=status.attempts,
                reconnects=status.reconnects,
                next_attempt_monotonic_ns=now_ns + int(wait_s * _NS_PER_S),
            ),
        )
        if is_news:
            self._say("source_lost", "warning", reason)
        # Told ever more seldom: months of attempts must not push out all other events.
        elif status.attempts & (status.attempts - 1) == 0:
            self._say("source_retry", "info", f"attempt {status.attempts} failed: {reason}")

    def gave_up(self, reason: str) -> None:
        """It failed, and nobody opens it anew."""
        self._end()
        self._say("source_lost", "error", reason)

    def ended(self) -> None:
        """It came to its end."""
        self._end()
        self._say("source_ended", "info", "the source has come to its end")

    def closed(self) -> None:
        """The stream was closed."""
        self._end()

    def _end(self) -> None:
        self._set(
            SourceStatus("ended", time.monotonic_ns(), reconnects=self.status.reconnects),
        )

    def _set(self, status: SourceStatus) -> None:
        with self._lock:
            self._status = status

    def _say(self, code: EventCode, level: EventLevel, message: str) -> None:
        self._tell(StreamEvent(code, level, message, time.monotonic_ns()))
