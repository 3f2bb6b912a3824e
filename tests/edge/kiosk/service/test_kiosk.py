"""Which answer is the newest, however messages of the worker and syncs of the disk overtake."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from answer_samples import answered

from edge.kiosk.journal.entry import JournalEntry
from edge.kiosk.journal.journal import Receipt
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.kiosk import Kiosk
from edge.kiosk.service.model_choice import FixedBundle
from edge.kiosk.service.settings import ServiceSettings
from edge.kiosk.worker.wire import Answered, FromWorker, Happened, Message


class SlowJournal:
    """Stores an entry when it is told to."""

    reason = ""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[Receipt]] = []

    async def write(self, _: JournalEntry) -> Receipt:
        self.waiting.append(asyncio.get_running_loop().create_future())
        return await self.waiting[-1]


class Stage:
    """A kiosk without processes: a worker's words in, what may be shown out."""

    def __init__(self) -> None:
        bundle = Path("model.edge")
        self.journal = SlowJournal()
        settings = ServiceSettings(source="camera:0", bundle=bundle, answer_limit_s=1000.0)
        self.kiosk = Kiosk(settings, FixedBundle(bundle), EventLog(), self.journal)  # type: ignore[arg-type]
        self.kiosk._supervisor.status.state = "ready"

    async def hear(self, body: FromWorker) -> None:
        await self.kiosk._take(Message(body))
        await asyncio.sleep(0)

    async def happened(self, code: str) -> None:
        await self.hear(Happened("source", "info", code, "unplugged", time.monotonic_ns()))

    async def store(self, number: int) -> None:
        self.journal.waiting[number].set_result(Receipt(number + 1, "0" * 64))
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def shown(self) -> tuple[str, int | None]:
        latest = self.kiosk.latest()
        return latest.state, None if latest.answer is None else latest.answer.index


async def _one_on_its_way(stage: Stage) -> None:
    await stage.hear(answered(index=1))
    await stage.happened("source_lost")
    await stage.happened("source_back")
    await stage.store(0)


async def _one_that_was_shown(stage: Stage) -> None:
    await stage.hear(answered(index=1))
    await stage.store(0)
    assert stage.shown == ("answered", 1)
    await stage.happened("source_lost")
    await stage.happened("source_back")


async def _one_that_comes_late(stage: Stage) -> None:
    late: Answered = answered(index=1)
    await stage.happened("source_lost")
    await stage.happened("source_back")
    await stage.hear(late)
    await stage.store(0)


@pytest.mark.parametrize("play", [_one_on_its_way, _one_that_was_shown, _one_that_comes_late])
def test_nothing_from_before_a_loss_is_shown_when_the_camera_is_back(
    play: Callable[[Stage], Awaitable[None]],
):
    async def run() -> None:
        stage = Stage()
        await stage.happened("source_open")
        await play(stage)
        assert stage.shown == ("waiting", None)
        await stage.hear(answered(index=2))
        await stage.store(1)
        assert stage.shown == ("answered", 2)

    asyncio.run(run())


def test_an_answer_that_is_stored_late_does_not_take_the_place_of_a_newer_one():
    async def run() -> None:
        stage = Stage()
        await stage.happened("source_open")
        await stage.hear(answered(index=1))
        await stage.hear(answered(index=2))
        assert stage.shown == ("waiting", None)
        await stage.store(1)
        assert stage.shown == ("answered", 2)
        await stage.store(0)
        assert stage.shown == ("answered", 2)

    asyncio.run(run())
