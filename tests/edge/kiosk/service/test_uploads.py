"""Pictures that were sent in: bounded, answered or told."""

import asyncio

import pytest
from answer_samples import answered

from edge.kiosk.service.uploads import MOST_WAITING, Uploads
from edge.kiosk.view import KioskBusyError
from edge.kiosk.worker.wire import Infer


class Worker:
    """Takes what it is sent, or does not."""

    def __init__(self, *, is_there: bool = True) -> None:
        self.is_there = is_there
        self.requests: list[Infer] = []

    def send(self, request: Infer, data: bytes) -> bool:
        assert data == b"x"
        if self.is_there:
            self.requests.append(request)
        return self.is_there


async def ask(uploads: Uploads, count: int) -> list[asyncio.Task]:
    tasks = [asyncio.ensure_future(uploads.ask(b"x")) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def test_each_answer_goes_to_who_asked():
    async def run():
        worker = Worker()
        uploads = Uploads(worker.send, 60.0)
        tasks = await ask(uploads, 3)
        for request in reversed(worker.requests):
            uploads.answer(request.request, answered(index=request.request))
        return [task.result().index for task in [await _done(each) for each in tasks]], worker

    found, worker = asyncio.run(run())
    assert found == [each.request for each in worker.requests]


async def _done(task: asyncio.Task) -> asyncio.Task:
    await asyncio.wait({task})
    return task


def test_one_more_than_may_wait_is_told_at_once():
    async def run():
        uploads = Uploads(Worker().send, 60.0)
        await ask(uploads, MOST_WAITING)
        with pytest.raises(KioskBusyError, match="wait already"):
            await uploads.ask(b"x")

    asyncio.run(run())


def test_an_upload_that_nobody_waits_for_still_counts_until_the_worker_is_done_with_it():
    async def run():
        worker = Worker()
        uploads = Uploads(worker.send, 0.01)
        for _ in range(MOST_WAITING):
            with pytest.raises(KioskBusyError, match=r"within 0\.01 s"):
                await uploads.ask(b"x")
        with pytest.raises(KioskBusyError, match="wait already"):
            await uploads.ask(b"x")
        uploads.answer(worker.requests[0].request, answered())
        with pytest.raises(KioskBusyError, match="within"):
            await uploads.ask(b"x")

    asyncio.run(run())


def test_who_leaves_is_forgotten_when_the_answer_comes():
    async def run():
        worker = Worker()
        uploads = Uploads(worker.send, 60.0)
        [task] = await ask(uploads, 1)
        task.cancel()
        await asyncio.wait({task})
        uploads.answer(worker.requests[0].request, answered())
        uploads.answer(999, answered())
        return task.cancelled(), len(uploads._waiting)

    assert asyncio.run(run()) == (True, 0)


def test_who_waits_for_a_worker_that_is_gone_is_told():
    async def run():
        uploads = Uploads(Worker().send, 60.0)
        tasks = await ask(uploads, 2)
        uploads.give_up()
        for task in tasks:
            with pytest.raises(KioskBusyError, match="replaced"):
                await task

    asyncio.run(run())


def test_without_a_worker_nothing_is_sent():
    async def run():
        with pytest.raises(KioskBusyError, match="started"):
            await Uploads(Worker(is_there=False).send, 60.0).ask(b"x")

    asyncio.run(run())
