"""Keeps one worker at work: starts it, watches it, kills it where it is stuck, starts another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from edge.errors import EdgeError
from edge.kiosk.messages import ModelCard
from edge.kiosk.service.deadline import within
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.model_choice import ModelChoice
from edge.kiosk.service.restart_pause import RestartPause
from edge.kiosk.service.settings import WorkerLimits
from edge.kiosk.service.worker_faults import (
    UPDATE,
    FaultTally,
    WorkerFault,
    WorkerReading,
    find_fault,
)
from edge.kiosk.service.worker_process import WorkerProcess
from edge.kiosk.worker.wire import Alive, Failed, FromWorker, Message, Ready, Start

__all__ = ["Supervisor", "WorkerStatus"]

logger = logging.getLogger(__name__)

WATCH_INTERVAL_S = 0.25
_LONGEST_LAP_S = 1.0
_SWITCH_GRACE_S = 3.0
_END_GRACE_S = 1.0
_LAST_WORDS_S = 1.0
_RUNS_WELL_S = 5.0
_AWAY = "the worker is being started"
_NS_PER_S = 1_000_000_000


@dataclass(slots=True)
class WorkerStatus:
    """What is known of the present worker; changed by the supervisor alone.

    Attributes:
        reason: why there is none that is ready, in one line.
        is_updating: whether that is because another bundle is to answer.
        starts: workers started so far.
    """

    state: Literal["starting", "ready", "stopped"] = "stopped"
    reason: str = _AWAY
    is_updating: bool = False
    process: WorkerProcess | None = None
    card: ModelCard | None = None
    alive: Alive = field(default_factory=Alive)
    starts: int = 0

    @property
    def restarts(self) -> int:
        """Workers started after the first."""
        return max(0, self.starts - 1)


class Supervisor:
    """Runs workers one after another, for ever.

    Args:
        make_start: what a worker is told for a bundle.
        choice: which bundle that is.
        limits: when a worker is replaced.
        events: what happened is told here.
        take: is given every message that is not the supervisor's alone.
    """

    def __init__(
        self,
        make_start: Callable[[str], Start],
        choice: ModelChoice,
        limits: WorkerLimits,
        events: EventLog,
        take: Callable[[Message[FromWorker]], Awaitable[None]],
    ) -> None:
        self.status = WorkerStatus()
        self._make_start = make_start
        self._choice = choice
        self._limits = limits
        self._events = events
        self._take = take
        self._pause = RestartPause()
        self._tally = FaultTally()
        self._failure: WorkerFault | None = None
        self._has_run_well = False
        self.on_gone: Callable[[], None] = lambda: None
        """Called when a worker has ended, before another is started."""

    async def run(self) -> None:
        """Keep a worker at work until cancelled; then end it.

        Raises:
            EdgeError: the very first shows that what was asked for cannot work.
        """
        try:
            while True:
                fault, lived_s = await self._run_one()
                await self._note(fault)
                await self._pause_unless_changed(self._pause.after(lived_s))
        except asyncio.CancelledError:
            # A disk that hangs must not keep the service from ending.
            with contextlib.suppress(asyncio.TimeoutError):
                await within(self._choice.note_stopped(), _END_GRACE_S)
            raise

    async def _pause_unless_changed(self, pause_s: float) -> None:
        end_s = time.monotonic() + pause_s
        while not await self._choice.has_changed():
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, WATCH_INTERVAL_S))

    async def _run_one(self) -> tuple[WorkerFault, float]:
        """One worker's life.

        Returns:
            Why it ended, and how many seconds it lived.
        """
        try:
            bundle = await self._choice.begin()
        except EdgeError as error:
            return _unusable(error), 0.0
        try:
            worker = await WorkerProcess.start(self._make_start(str(bundle)))
        except (OSError, RuntimeError) as error:  # the latter: no thread to wait for its end with
            fault = WorkerFault("worker_cannot_start", f"no process: {error}", is_model=False)
            return fault, 0.0
        self._failure = None
        self._begin(worker)
        fault = await self._live(worker)
        return fault, worker.uptime_s

    def _begin(self, worker: WorkerProcess) -> None:
        status = self.status
        status.process, status.state, status.alive = worker, "starting", Alive()
        status.starts += 1

    async def _live(self, worker: WorkerProcess) -> WorkerFault:
        """From a worker's start to its end, of whichever kind."""
        listening = asyncio.ensure_future(worker.listen(self._hear))
        watching = asyncio.ensure_future(self._watch(worker))
        following = asyncio.ensure_future(self._follow_choice())
        ending = asyncio.ensure_future(worker.wait())
        tasks = {listening, watching, following, ending}
        fault: WorkerFault | None = None
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            fault = next((each.result() for each in (watching, following) if each.done()), None)
            if fault is not None:
                self._show(fault)
                if fault.is_gentle:
                    # It is still listened to: an answer on its way is not lost.
                    await worker.stop(_SWITCH_GRACE_S)
        except asyncio.CancelledError:
            await worker.stop(_END_GRACE_S)
            raise
        finally:
            self.status.state = "stopped"
            worker.kill()
            await asyncio.wait({listening}, timeout=_LAST_WORDS_S)
            code = await ending
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            worker.close()
            self._forget_worker()
        if fault is None:
            fault = self._failure or _broken(listening) or WorkerFault.of_death(code)
            if worker.last_words:
                logger.error("the worker's last words:\n%s", worker.last_words)
        return fault

    def _forget_worker(self) -> None:
        status = self.status
        status.process, status.alive = None, Alive()
        self.on_gone()

    async def _watch(self, worker: WorkerProcess) -> WorkerFault:
        """Look at a worker again and again until something is wrong with it.

        A service that was stopped itself for a while has not waited for anybody: what one look
        may count is bounded.
        """
        waited_s, looked_s = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            now_s = time.monotonic()
            passed_s, looked_s = min(now_s - looked_s, _LONGEST_LAP_S), now_s
            waited_s += passed_s
            worker.note_time(passed_s)
            is_ready = self.status.state == "ready"
            reading = WorkerReading(is_ready, waited_s, worker.silent_s, self.status.alive)
            fault = find_fault(reading, self._limits)
            if fault is not None:
                return fault

    async def _follow_choice(self) -> WorkerFault:
        """Say how the worker does, until another bundle is to answer; apart, as a disk may hang."""
        ran_s, looked_s = 0.0, time.monotonic()
        while not await self._choice.has_changed():
            await asyncio.sleep(WATCH_INTERVAL_S)
            now_s = time.monotonic()
            passed_s, looked_s = min(now_s - looked_s, _LONGEST_LAP_S), now_s
            if self.status.state == "ready":
                ran_s += passed_s
                self._has_run_well |= ran_s > _RUNS_WELL_S
                await self._choice.note_running(passed_s)
        return WorkerFault(UPDATE, "the model is being changed", is_gentle=True, is_model=False)

    async def _hear(self, message: Message[FromWorker]) -> None:
        body = message.body
        if isinstance(body, Failed):
            self._failure = WorkerFault.of_failure(body)
        elif isinstance(body, Ready):
            self._note_ready(body)
        else:
            if isinstance(body, Alive):
                self.status.alive = body
            await self._take(message)

    def _note_ready(self, ready: Ready) -> None:
        status, model = self.status, ready.card.model
        status.state, status.card = "ready", ready.card
        status.reason, status.is_updating = _AWAY, False
        self._tally.forget()
        self._events.add(
            "worker",
            "info",
            "worker_started",
            f"{model.name} {model.version} ({model.digest[:12]}) is ready after "
            f"{ready.load_ns / _NS_PER_S:.1f} s",
        )

    def _show(self, fault: WorkerFault) -> None:
        status = self.status
        status.state, status.reason = "stopped", fault.message
        status.is_updating = fault.code == UPDATE

    async def _note(self, fault: WorkerFault) -> None:
        self._show(fault)
        if fault.code == UPDATE:
            self._events.add("model", "info", "model_changing", fault.message)
            return
        if self._is_final(fault):
            raise fault.to_error()
        message = self._tally.note(fault)
        if message:
            self._events.add("worker", "error", fault.code, message)
        await self._choice.note_failure(fault)

    def _is_final(self, fault: WorkerFault) -> bool:
        """Whether it is the one who started the service who has to do something.

        A service that has run well once stays up, to say on its page what is wrong.
        """
        if self._has_run_well or not fault.is_hopeless:
            return False
        is_settled = self._choice.health().state != "trial"
        return not self._choice.may_change or (fault.exit_code == 2 and is_settled)  # noqa: PLR2004


def _unusable(error: EdgeError) -> WorkerFault:
    return WorkerFault("model_unusable", str(error), is_model=False, exit_code=error.exit_code)


def _broken(listening: asyncio.Future[None]) -> WorkerFault | None:
    """What went wrong with hearing the worker, if anything did."""
    error = None if listening.cancelled() else listening.exception()
    if error is None:
        return None
    if isinstance(error, ValueError):
        return WorkerFault("worker_garbled", str(error))
    logger.error("a message of the worker could not be taken", exc_info=error)
    return WorkerFault("worker_untaken", f"a message of the worker broke the service ({error!r})")
