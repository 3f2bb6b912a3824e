"""A running kiosk: the worker's words in, what may be shown out."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import Literal

from edge.kiosk.messages import Answer, Event, Health, Latest, ModelCard
from edge.kiosk.service.change_signal import ChangeSignal
from edge.kiosk.service.client_notes import ClientNotes
from edge.kiosk.service.device_gauge import DeviceGauge
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.health_report import HealthParts, SourceView, report_health
from edge.kiosk.service.journal_link import JournalLink
from edge.kiosk.service.latest_answer import Situation, decide_latest
from edge.kiosk.service.model_choice import ModelChoice
from edge.kiosk.service.publisher import Published, Publisher
from edge.kiosk.service.settings import ServiceSettings
from edge.kiosk.service.supervisor import Supervisor
from edge.kiosk.service.totals import Totals
from edge.kiosk.service.uploads import Uploads
from edge.kiosk.view import KioskCounts, Snapshot
from edge.kiosk.worker.wire import (
    Alive,
    Answered,
    FromWorker,
    Happened,
    Infer,
    Inferred,
    Message,
    Preview,
    Start,
    Watch,
)
from edge.sources.base import without_credentials

__all__ = ["Kiosk"]

logger = logging.getLogger(__name__)

MOST_IN_FLIGHT = 16
"""Answers of the source that may be on their way to the journal; then the worker has to wait."""

_NS_PER_MS = 1_000_000
_SNAPSHOT_LIMIT_MS = 3000
_WATCH_S = 5.0
_UPLOAD_SLACK_S = 10.0
_LAST_ANSWERS_S = 1.0
_SOURCE_STATES: dict[str, Literal["opening", "open", "lost", "ended"]] = {
    "source_opening": "opening",
    "source_open": "open",
    "source_lost": "lost",
    "source_back": "open",
    "source_ended": "ended",
}
_PICTURES_DO_NOT_AGE = ("watch:", "sequence:")


class Kiosk:
    """Implements `edge.kiosk.view.KioskView` over one supervised worker.

    Everything happens on the event loop's thread.

    Args:
        settings: what the kiosk is told at its start.
        choice: which bundle answers.
        events: what happened.
        journal: where answers go before anybody is told of them.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        choice: ModelChoice,
        events: EventLog,
        journal: JournalLink,
    ) -> None:
        self._settings = settings
        self._choice = choice
        self._events = events
        self._journal = journal
        self._changes = ChangeSignal()
        events.listen(lambda _: self._changes.announce())
        self._clients = ClientNotes(events)
        self._totals = Totals()
        self._gauge = DeviceGauge(settings.read_device)
        self._publisher = Publisher(journal, self._totals, self._gauge)
        self._supervisor = Supervisor(self._make_start, choice, settings.worker, events, self._take)
        self._supervisor.on_gone = self._forget_worker
        deadline_s = settings.worker.infer_s + _UPLOAD_SLACK_S
        self._uploads = Uploads(self._send_upload, deadline_s)
        self._in_flight = asyncio.Semaphore(MOST_IN_FLIGHT)
        self._publishing: set[asyncio.Task[None]] = set()
        self._newest: Published | None = None
        self._newest_number = 0
        self._taken = 0
        self._lost_ns = 0
        self._preview: tuple[Preview, bytes] | None = None
        self._started_s = time.monotonic()
        address = without_credentials(settings.source)
        self._source = SourceView(address, "opening" if address else "none", self._started_s)

    async def run(self) -> None:
        """Keep a worker at work until cancelled.

        Raises:
            EdgeError: what was asked for cannot work.
        """
        self._gauge.start()
        try:
            await self._supervisor.run()
        finally:
            if self._publishing:
                await asyncio.wait(self._publishing, timeout=_LAST_ANSWERS_S)
            for task in self._publishing:
                task.cancel()

    def _make_start(self, bundle: str) -> Start:
        settings = self._settings
        return Start(
            bundle=bundle,
            source=settings.source,
            policy=settings.policy,
            gates=dict(settings.gates),
            engine=settings.engine,
            precision=settings.precision,
            threads=settings.threads,
            open_timeout_s=settings.open_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            trusted_keys=tuple(key.hex() for key in settings.trusted_keys),
        )

    # --- what the worker says -----------------------------------------------------------------

    async def _take(self, message: Message[FromWorker]) -> None:
        body = message.body
        if isinstance(body, Answered):
            await self._in_flight.acquire()
            self._taken += 1
            task = asyncio.ensure_future(self._publish(body, self._taken))
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)
        elif isinstance(body, Alive):
            self._totals.note_alive(body)
        elif isinstance(body, Inferred):
            self._uploads.answer(body.request, body.answer)
        elif isinstance(body, Preview):
            self._preview = (body, message.blob)
        elif isinstance(body, Happened):
            self._note_source(body)
            self._events.add(body.kind, body.level, body.code, body.message)

    def _note_source(self, happened: Happened) -> None:
        state = _SOURCE_STATES.get(happened.code)
        if state is None:
            return
        is_away = state in ("lost", "ended")
        reason = happened.message if is_away else ""
        self._source = SourceView(self._source.address, state, time.monotonic(), reason)
        if is_away:
            self._lost_ns = happened.monotonic_ns
            self._forget_picture()

    async def _publish(self, answered: Answered, number: int) -> None:
        try:
            published = await self._publisher.publish(answered)
        except Exception:
            logger.exception("an answer could not be published")
            return
        finally:
            self._in_flight.release()
        # In the order in which frames were answered, whatever they say of their capture; and
        # never one of a worker that is gone, or of a picture from before the camera was lost.
        is_before_loss = published.captured_ns <= self._lost_ns and answered.status == "ok"
        if number > self._newest_number and not is_before_loss:
            self._newest, self._newest_number = published, number
            self._changes.announce()

    def _forget_picture(self) -> None:
        self._newest, self._newest_number = None, self._taken
        self._preview = None

    def _forget_worker(self) -> None:
        """What a worker that is gone has seen is not what is seen now."""
        self._totals.note_gone()
        self._uploads.give_up()
        self._forget_picture()
        if self._source.state != "none":
            self._source = SourceView(self._source.address, "opening", time.monotonic())
        self._changes.announce()

    # --- what the world asks ------------------------------------------------------------------

    def latest(self) -> Latest:
        """See `KioskView`."""
        status = self._supervisor.status
        newest = self._newest
        situation = Situation(
            is_worker_ready=status.state == "ready",
            worker_reason=status.reason,
            is_updating=status.is_updating,
            source=self._source.state,
            source_reason=self._source.reason,
            journal_reason=self._journal.reason,
            answer=newest.answer if newest else None,
            published_ns=newest.published_ns if newest else 0,
            captured_ns=newest.captured_ns if newest else 0,
            limit_s=self._answer_limit_s(),
        )
        return decide_latest(situation, time.monotonic_ns())

    def _answer_limit_s(self) -> float | None:
        if self._settings.answer_limit_s is None and self._settings.source.startswith(
            _PICTURES_DO_NOT_AGE
        ):
            return math.inf
        return self._settings.answer_limit_s

    def snapshot(self) -> Snapshot | None:
        """See `KioskView`."""
        process = self._supervisor.status.process
        if process is not None and self._source.state == "open":
            process.send(Watch(_WATCH_S))
        if self._preview is None:
            return None
        preview, jpeg = self._preview
        age_ms = (time.monotonic_ns() - preview.capture_monotonic_ns) // _NS_PER_MS
        if age_ms > _SNAPSHOT_LIMIT_MS and self._answer_limit_s() != math.inf:
            return None
        return Snapshot(jpeg=jpeg, index=preview.index, age_ms=age_ms)

    def model_card(self) -> ModelCard | None:
        """See `KioskView`."""
        return self._supervisor.status.card

    def counts(self) -> KioskCounts:
        """See `KioskView`."""
        return self._totals.counts(self._supervisor.status.restarts)

    async def infer(self, data: bytes) -> Answer:
        """See `KioskView`."""
        return (await self._publisher.publish(await self._uploads.ask(data))).answer

    def _send_upload(self, request: Infer, data: bytes) -> bool:
        status = self._supervisor.status
        if status.state != "ready" or status.process is None:
            return False
        return status.process.send(request, data)

    def events_after(self, last_id: int) -> tuple[Event, ...]:
        """See `KioskView`."""
        return self._events.after(last_id)

    def note_client(self, code: str, message: str) -> None:
        """See `KioskView`."""
        self._clients.note(code, message)

    @property
    def revision(self) -> int:
        """See `KioskView`."""
        return self._changes.revision

    async def wait_for_change(self, revision: int, timeout_s: float) -> int:
        """See `KioskView`."""
        return await self._changes.wait(revision, timeout_s)

    def health(self) -> Health:
        """See `KioskView`."""
        return report_health(
            HealthParts(
                status=self._supervisor.status,
                source=self._source,
                journal=self._journal.health(),
                journal_reason=self._journal.reason,
                update=self._choice.health(),
                counts=self.counts(),
                latest=self.latest(),
                started_s=self._started_s,
            ),
        )
