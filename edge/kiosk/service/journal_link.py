"""The journal as the service uses it: never in the event loop's way, and never given up."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from edge.errors import EdgeError, OutputError
from edge.kiosk.journal.entry import JournalEntry
from edge.kiosk.journal.journal import Journal, JournalLimits, Receipt
from edge.kiosk.messages import JournalHealth
from edge.kiosk.service.event_log import EventLog

__all__ = ["OFF", "JournalLink"]

OFF = Receipt(0, "")
"""What stands for a receipt where there is no journal."""

DURABLE_WITHIN_S = 5.0
_OPEN_AGAIN_S = 2.0


class JournalLink:
    """Writes entries, or says in one line why that cannot be done.

    A journal that cannot be opened is tried again with later entries, so that a disk that was
    full or read-only is used as soon as it can be.

    Args:
        folder: of the journal; None for none at all.
        limits: how much it may hold.
        events: trouble, and its end, is told here.
    """

    def __init__(self, folder: Path | None, limits: JournalLimits, events: EventLog) -> None:
        self._folder = folder
        self._limits = limits
        self._events = events
        self._journal: Journal | None = None
        self._opening = asyncio.Lock()
        self._next_attempt_s = 0.0
        self.reason = ""
        """Why it cannot be written; "" where it can."""

    async def write(self, entry: JournalEntry) -> Receipt:
        """Write an entry, and wait until it would survive a loss of power.

        Raises:
            EdgeError: it is not in the journal, or nobody can tell.
        """
        if self._folder is None:
            return OFF
        try:
            journal = await self._open(self._folder)
            future = asyncio.wrap_future(journal.submit(entry))
            receipt = await asyncio.wait_for(asyncio.shield(future), DURABLE_WITHIN_S)
        except asyncio.TimeoutError:
            # A later receipt must not be lost with a warning that nobody fetched it.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            error = OutputError(f"the disk has not taken an entry within {DURABLE_WITHIN_S:g} s")
            self._note_failure(error)
            raise error from None
        except EdgeError as error:
            self._note_failure(error)
            raise
        self._note_success()
        return receipt

    async def _open(self, folder: Path) -> Journal:
        async with self._opening:
            if self._journal is None:
                if time.monotonic() < self._next_attempt_s:
                    raise OutputError(self.reason)
                self._next_attempt_s = time.monotonic() + _OPEN_AGAIN_S
                self._journal = await asyncio.to_thread(Journal, folder, self._limits)
            return self._journal

    def _note_failure(self, error: EdgeError) -> None:
        if not self.reason:
            self._events.add("journal", "error", "journal_failing", str(error))
        self.reason = str(error)

    def _note_success(self) -> None:
        if self.reason:
            self._events.add("journal", "info", "journal_back", "the journal is written again")
        self.reason = ""

    def health(self) -> JournalHealth:
        """How it is."""
        journal = self._journal
        if self._folder is None:
            return JournalHealth(state="off", last_sequence=0, bytes=0)
        return JournalHealth(
            state="failing" if self.reason else "ok",
            last_sequence=journal.last_sequence if journal else 0,
            bytes=journal.size_bytes if journal else 0,
        )

    async def close(self) -> None:
        """Close the journal; what was acknowledged is in it."""
        if self._journal is not None:
            await asyncio.to_thread(self._journal.close)
