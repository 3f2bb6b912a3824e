"""The journal as the service uses it: never in the event loop's way, and never given up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from edge.errors import EdgeError, OutputError
from edge.kiosk.journal.entry import JournalEntry
from edge.kiosk.journal.journal import Journal, Receipt
from edge.kiosk.messages import Event, JournalHealth
from edge.kiosk.service.blocking_call import run_blocking
from edge.kiosk.service.deadline import within
from edge.kiosk.service.event_log import EventLog

__all__ = ["OFF", "JournalLink"]

OFF = Receipt(0, "")
"""What stands for a receipt where there is no journal."""

DURABLE_WITHIN_S = 5.0
"""A disk that takes longer is failing: an answer that is told so late is no news."""

MOST_UNWRITTEN = 256
"""Events that wait for a journal that fails; of more, the oldest are lost to it."""

_AGAIN_S = 2.0
_LAST_ENTRIES_S = 1.0
_CLOSE_S = 1.5


class JournalLink:
    """Writes entries, or says in one line why that cannot be done.

    A journal that cannot be opened or written is tried again for ever, so that a disk that was
    full, read-only or away is used as soon as it can be. Answers are not kept for it: they are
    withheld. Events are.

    Args:
        open_journal: opens it, and may block; None for no journal at all.
        events: all but those of clients are written, and trouble with the journal is told.
    """

    def __init__(self, open_journal: Callable[[], Journal] | None, events: EventLog) -> None:
        self._open_journal = open_journal
        self._events = events
        self._journal: Journal | None = None
        self._is_tried = asyncio.Event()
        self._hanging: Future[Receipt] | None = None
        self._hanging_since_s = 0.0
        self._unwritten: deque[JournalEntry] = deque(maxlen=MOST_UNWRITTEN)
        self._has_unwritten = asyncio.Event()
        self.reason = ""
        """Why it cannot be written; "" where it can."""
        if open_journal is not None:
            self._keep(JournalEntry(kind="start"))
            events.listen(self._note_event)

    async def run(self) -> None:
        """Open the journal, and write events to it, until cancelled."""
        if self._open_journal is None:
            await asyncio.get_running_loop().create_future()
            return
        await self._open(self._open_journal)
        while True:
            await self._has_unwritten.wait()
            entry = self._unwritten[0]
            try:
                await self.write(entry)
            except EdgeError:
                # Answers may not come for hours: this is what finds out that it works again.
                await asyncio.sleep(_AGAIN_S)
            else:
                self._drop(entry)

    async def write(self, entry: JournalEntry) -> Receipt:
        """Write an entry, and wait until it would survive a loss of power.

        Raises:
            EdgeError: it is not in the journal, or nobody can tell.
        """
        if self._open_journal is None:
            return OFF
        try:
            receipt = await self._store(entry)
        except EdgeError as error:
            self._note_failure(error)
            raise
        self._note_success()
        return receipt

    async def _store(self, entry: JournalEntry) -> Receipt:
        journal = await self._opened()
        if self._hanging is not None and not self._hanging.done():
            # What is handed in now would be stored long after it was withheld.
            hangs_s = time.monotonic() - self._hanging_since_s
            raise OutputError(f"the journal's disk has not answered for {hangs_s:.0f} s")
        self._hanging = None
        future = journal.submit(entry)
        began_s = time.monotonic()
        try:
            return await within(asyncio.wrap_future(future), DURABLE_WITHIN_S)
        except asyncio.TimeoutError:
            # What is not begun will not be written.
            if not future.cancel() and self._hanging is None:
                self._hanging, self._hanging_since_s = future, began_s
            raise OutputError(
                f"the journal's disk has not answered for {DURABLE_WITHIN_S:g} s"
            ) from None

    async def _opened(self) -> Journal:
        if self._journal is None and not self.reason:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(self._is_tried.wait(), DURABLE_WITHIN_S)
        if self._journal is None:
            raise OutputError(
                self.reason or f"the journal has not been opened within {DURABLE_WITHIN_S:g} s"
            )
        return self._journal

    async def _open(self, open_journal: Callable[[], Journal]) -> None:
        while self._journal is None:
            try:
                journal = await run_blocking(open_journal)
            except (EdgeError, OSError) as error:
                self._note_failure(error)
                self._is_tried.set()
                await asyncio.sleep(_AGAIN_S)
            else:
                self._journal = journal
                self._is_tried.set()
                if journal.set_aside:
                    self._events.add("journal", "error", "journal_set_aside", journal.set_aside)

    def _note_event(self, event: Event) -> None:
        # Clients could fill it with what they do.
        if event.type != "service":
            self._keep(JournalEntry(kind="event", code=event.code, time_ns=event.time_ns))

    def _keep(self, entry: JournalEntry) -> None:
        self._unwritten.append(entry)
        self._has_unwritten.set()

    def _drop(self, entry: JournalEntry) -> None:
        # Meanwhile it may have been lost to newer ones.
        if self._unwritten and self._unwritten[0] is entry:
            self._unwritten.popleft()
        if not self._unwritten:
            self._has_unwritten.clear()

    def _note_failure(self, error: Exception) -> None:
        was, self.reason = self.reason, " ".join(str(error).split())
        if not was:
            self._events.add("journal", "error", "journal_failing", self.reason)

    def _note_success(self) -> None:
        was, self.reason = self.reason, ""
        if was:
            self._events.add("journal", "info", "journal_back", "the journal is written again")

    def health(self) -> JournalHealth:
        """How it is."""
        journal = self._journal
        if self._open_journal is None:
            return JournalHealth(state="off", last_sequence=0, bytes=0)
        return JournalHealth(
            state="failing" if self.reason else "ok",
            last_sequence=journal.last_sequence if journal else 0,
            bytes=journal.size_bytes if journal else 0,
        )

    async def close(self) -> None:
        """Write what waits and that the service ends, and close; a disk that hangs is left.

        What was acknowledged is in it already.
        """
        if self._journal is None:
            return
        self._keep(JournalEntry(kind="stop"))
        with contextlib.suppress(asyncio.TimeoutError, EdgeError):
            await within(self._write_all(), _LAST_ENTRIES_S)
        with contextlib.suppress(asyncio.TimeoutError, EdgeError, OSError):
            await within(run_blocking(self._journal.close), _CLOSE_S)

    async def _write_all(self) -> None:
        while self._unwritten:
            entry = self._unwritten[0]
            await self.write(entry)
            self._drop(entry)
