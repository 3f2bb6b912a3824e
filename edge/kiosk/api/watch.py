"""What changes at a kiosk, for one client that follows it: events, and what may be shown.

A client that is slow is asked nothing and costs nothing: while it takes what it was given,
nothing is gathered for it, and then it gets the newest.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import msgspec

from edge.kiosk.messages import Event, Latest
from edge.kiosk.view import KioskView

__all__ = ["Change", "Cursor", "watch"]

AGES_WITHIN_S = 0.25
"""An answer that has grown too old is taken back within this, though nothing has happened."""

_CURSOR = re.compile(r"(?:([0-9a-f]{8})-)?([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Change:
    """One message: an event with its cursor, or the latest.

    Attributes:
        name: "kiosk" or "latest".
        message: what the kiosk says.
        cursor: how to take up after it; "" for the latest.
    """

    name: str
    message: Event | Latest
    cursor: str = ""


class Cursor:
    """Names an event so that it is not taken for one of an earlier run of the service.

    Event ids begin anew with each run; a client that comes back after a restart with an id of
    the old run gets all events of the new one.
    """

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)

    def of(self, event: Event) -> str:
        """What `Last-Event-ID` will carry."""
        return f"{self._run}-{event.id}"

    def id_after(self, text: str) -> int:
        """Id of the event that a cursor names; 0 for another run's, or what is no cursor.

        A bare number is taken for an id of this run.
        """
        found = _CURSOR.fullmatch(text)
        if found is None or found[1] not in {None, self._run}:
            return 0
        return int(found[2])


async def watch(
    kiosk: KioskView, cursor: Cursor, after: str, silence_s: float
) -> AsyncGenerator[Change | None]:
    """Follow a kiosk for ever.

    Args:
        kiosk: the kiosk.
        cursor: of this run of the service.
        after: cursor of the last event that the client has; "" for all that are kept.
        silence_s: the longest time without anything.

    Yields:
        Changes, at first the events kept and the latest; None after `silence_s` without one.
    """
    last_id = cursor.id_after(after)
    if last_id and not kiosk.events_after(last_id - 1):
        last_id = 0  # a bare number of an earlier run: ours has not come so far
    shown: Latest | None = None
    spoke_s = time.monotonic()
    while True:
        revision = kiosk.revision
        for event in kiosk.events_after(last_id):
            last_id = event.id
            yield Change("kiosk", event, cursor.of(event))
            spoke_s = time.monotonic()
        latest = kiosk.latest()
        timeless = msgspec.structs.replace(latest, age_ms=None)
        if timeless != shown:
            shown = timeless
            yield Change("latest", latest)
            spoke_s = time.monotonic()
        left_s = spoke_s + silence_s - time.monotonic()
        if left_s <= 0:
            yield None
            spoke_s = time.monotonic()
            left_s = silence_s
        await kiosk.wait_for_change(revision, min(left_s, AGES_WITHIN_S))
