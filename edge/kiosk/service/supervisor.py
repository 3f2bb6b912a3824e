"""Keeps one worker at work: starts it, watches it, kills it where it is stuck, starts another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from edge.errors import EdgeError
from edge.kiosk.messages import ModelCard
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.model_choice import ModelChoice
from edge.kiosk.service.restart_pause import RestartPause
from edge.kiosk.service.settings import WorkerLimits
from edge.kiosk.service.worker_faults import WorkerFault, WorkerReading, find_fault
from edge.kiosk.service.worker_process import WorkerProcess
from edge.kiosk.worker.wire import Alive, Failed, Message, Ready, Start

__all__ = ["Supervisor", "WorkerStatus"]

WATCH_INTERVAL_S = 0.25
_LAST_WORDS_S = 1.0
_NS_PER_S = 1_000_000_000


@dataclass(slots=True)
class WorkerStatus:
    """What is known of the present worker; changed by the supervisor alone.

    Attributes:
        reason: why there is none that is ready, in one line.
        restarts: workers started after the first.
    """

    state: Literal["starting", "ready", "stopped"] = "stopped"
    reason: str = "the worker is being started"
    is_updating: bool = False
    process: WorkerProcess | None = None
    card: ModelCard | None = None
    alive: Alive = field(default_factory=Alive)
    restarts: int = -1


class Supervisor:
    """Runs workers one after another, for ever.

    Args:
        make_start: what a worker is told for a bundle.
        choice: which bundle that is.
        limits: when a worker is replaced.
        events: what happened is told here.
        take: is given every message that is not the supervisor's own.
    """

    def __init__(
        self,
        make_start: Callable[[str], Start],
        choice: ModelChoice,
        limits: WorkerLimits,
        events: EventLog,
        take: Callable[[Message], Awaitable[None]],
    ) -> None:
        self.status = WorkerStatus()
        self._make_start = make_start
        self._choice = choice
        self._limits = limits
        self._events = events
        self._take = take
        self._pause = RestartPause()
        self._failure: WorkerFault | None = None
        self.on_gone: Callable[[], None] = lambda: None
        """Called when a worker has ended, before another is started."""

    async def run(self) -> None:
        """Keep a worker at work until cancelled; then end it."""
        while True:
            lived_s = 0.0
            try:
                fault, lived_s = await self._run_one()
            except (EdgeError, OSError, ValueError) as error:
                fault = WorkerFault("worker_cannot_start", " ".join(str(error).split()))
            self._note(fault)
            is_update = self.status.is_updating
            await asyncio.sleep(0.0 if is_update else self._pause.after(lived_s))

    async def _run_one(self) -> tuple[WorkerFault, float]:
        """One worker's life.

        Returns:
            Why it ended, and how many seconds it lived.
        """
        status = self.status
        worker = await WorkerProcess.start(self._make_start(str(self._choice.begin())))
        status.process, status.state, status.alive = worker, "starting", Alive()
        status.restarts += 1
        self._failure = None
        listening = asyncio.ensure_future(worker.listen(self._hear))
        watching = asyncio.ensure_future(self._watch(worker))
        try:
            await asyncio.wait({listening, watching}, return_when=asyncio.FIRST_COMPLETED)
            fault = watching.result() if watching.done() else None
            if fault is not None and fault.is_gentle:
                # It is still listened to: an answer on its way is not lost.
                await worker.stop()
                await asyncio.wait({listening}, timeout=_LAST_WORDS_S)
        finally:
            status.state = "stopped"
            watching.cancel()
            worker.kill()
            lived_s = worker.uptime_s
            code = await worker.wait()
            await asyncio.gather(listening, watching, return_exceptions=True)
            status.process = None
            self.on_gone()
        return fault or self._failure or _died(code), lived_s

    async def _watch(self, worker: WorkerProcess) -> WorkerFault:
        """Look at a worker again and again until something is wrong with it."""
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            reading = WorkerReading(
                is_ready=self.status.state == "ready",
                uptime_s=worker.uptime_s,
                silent_s=worker.silent_s,
                alive=self.status.alive,
            )
            fault = find_fault(reading, self._limits)
            if fault is None and self._choice.has_changed():
                fault = WorkerFault("update", "the model is being changed", is_gentle=True)
            if fault is not None:
                return fault
            if reading.is_ready:
                self._choice.note_running()

    async def _hear(self, message: Message) -> None:
        body = message.body
        if isinstance(body, Alive):
            self.status.alive = body
        elif isinstance(body, Failed):
            self._failure = WorkerFault(body.code, body.message)
        elif isinstance(body, Ready):
            self._note_ready(body)
        else:
            await self._take(message)

    def _note_ready(self, ready: Ready) -> None:
        status, model = self.status, ready.card.model
        status.state, status.card = "ready", ready.card
        status.is_updating = False
        self._events.add(
            "worker",
            "info",
            "worker_started",
            f"{model.name} {model.version} ({model.digest[:12]}) is ready after "
            f"{ready.load_ns / _NS_PER_S:.1f} s",
        )

    def _note(self, fault: WorkerFault) -> None:
        status = self.status
        status.reason = fault.message
        status.is_updating = fault.code == "update"
        if status.is_updating:
            self._events.add("model", "info", "model_changing", fault.message)
            return
        self._events.add("worker", "error", fault.code, fault.message)
        self._choice.note_failure(fault)


def _died(code: int) -> WorkerFault:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return WorkerFault("worker_died", f"the worker ended unexpectedly ({how})")
