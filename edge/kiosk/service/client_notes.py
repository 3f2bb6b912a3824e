"""What clients do to the kiosk, told as events that they cannot flood it with."""

from __future__ import annotations

import time

from edge.kiosk.service.event_log import EventLog

__all__ = ["ClientNotes"]

INTERVAL_S = 1.0
MOST_CODES = 32


class ClientNotes:
    """Tells at most one event a second of each code.

    Args:
        events: where they are told.
    """

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._told_s: dict[str, float] = {}

    def note(self, code: str, message: str) -> None:
        """Tell, or leave it."""
        now_s = time.monotonic()
        told_s = self._told_s.get(code)
        if told_s is None and len(self._told_s) >= MOST_CODES:
            return
        if told_s is None or now_s - told_s >= INTERVAL_S:
            self._told_s[code] = now_s
            self._events.add("service", "warning", code, message)
