"""What keeps a worker at work, where none can be had."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from edge.kiosk.messages import Event
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.model_choice import FixedBundle
from edge.kiosk.service.settings import WorkerLimits
from edge.kiosk.service.supervisor import Supervisor
from edge.kiosk.service.worker_process import WorkerProcess
from edge.kiosk.worker.wire import FromWorker, Message, Start

_DEADLINE_S = 60.0


async def _ignore(_: Message[FromWorker]) -> None:
    pass


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(OSError("Resource temporarily unavailable"), id="no process"),
        pytest.param(RuntimeError("can't start new thread"), id="no thread"),
    ],
)
def test_a_machine_with_no_process_left_is_asked_again_and_again(monkeypatch, failure):
    async def no_worker(_: Start) -> WorkerProcess:
        raise failure

    monkeypatch.setattr(WorkerProcess, "start", no_worker)

    async def run() -> tuple[str, str]:
        events = EventLog()
        told = asyncio.Event()

        def hear(event: Event) -> None:
            if "2 times in a row" in event.message:
                told.set()

        events.listen(hear)
        supervisor = Supervisor(
            lambda bundle: Start(bundle=bundle, source=""),
            FixedBundle(Path("model.edge")),
            WorkerLimits(),
            events,
            _ignore,
        )
        running = asyncio.ensure_future(supervisor.run())
        await asyncio.wait_for(told.wait(), _DEADLINE_S)
        state = supervisor.status.state
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        return state, events.after(0)[0].code

    assert asyncio.run(run()) == ("stopped", "worker_cannot_start")
