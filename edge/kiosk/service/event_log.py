"""What happened to the kiosk, the last few hundred of it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from edge.kiosk.messages import Event, EventLevel, EventType

__all__ = ["EventLog"]

logger = logging.getLogger(__name__)

MOST_EVENTS = 512
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class EventLog:
    """A bounded memory of events, each of which is logged too.

    Used on the event loop's thread alone.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._last_id = 0
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Have a function called with each event from now on; it must not wait."""
        self._listeners.append(listener)

    def add(self, kind: EventType, level: EventLevel, code: str, message: str) -> Event:
        """Remember an event, and log it."""
        self._last_id += 1
        event = Event(
            id=self._last_id,
            time_ns=time.time_ns(),
            type=kind,
            level=level,
            code=code,
            message=" ".join(message.split()),
        )
        self._events.append(event)
        logger.log(_LEVELS[level], "%s: %s", code, event.message)
        for listener in self._listeners:
            listener(event)
        return event

    def after(self, last_id: int) -> tuple[Event, ...]:
        """Those kept whose id is above `last_id`, oldest first."""
        return tuple(event for event in self._events if event.id > last_id)
