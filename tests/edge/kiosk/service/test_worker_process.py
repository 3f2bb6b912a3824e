"""A worker's process as the service starts it."""

import asyncio
import errno

import pytest

from edge.kiosk.service.worker_process import WorkerProcess
from edge.kiosk.worker.wire import Failed, Message, Start

_DEADLINE_S = 60.0


def test_a_worker_is_heard_though_none_could_be_started_before(monkeypatch, tmp_path):
    # Python 3.10 has no such end of a writer, and no version calls it at a known time.
    monkeypatch.delattr(asyncio.StreamWriter, "__del__", raising=False)
    start = Start(bundle=str(tmp_path / "none.edge"), source="")

    async def no_process(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    async def run() -> list[object]:
        with monkeypatch.context() as full:
            full.setattr(asyncio, "create_subprocess_exec", no_process)
            with pytest.raises(BlockingIOError):
                await WorkerProcess.start(start)
        heard = []

        async def take(message: Message) -> None:
            heard.append(message.body)

        worker = await WorkerProcess.start(start)
        try:
            await asyncio.wait_for(worker.listen(take), _DEADLINE_S)
        finally:
            worker.kill()
            await worker.wait()
            worker.close()
        return heard

    assert any(isinstance(each, Failed) for each in asyncio.run(run()))
