"""A kiosk with a real worker, over disks and workers that misbehave."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hanging_disk import HangingDisk
from kiosk_bundles import GOOD, brightness_bundle

from edge.kiosk.journal.journal import Journal
from edge.kiosk.service import worker_process
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.journal_link import JournalLink
from edge.kiosk.service.kiosk import Kiosk
from edge.kiosk.service.model_choice import FixedBundle
from edge.kiosk.service.settings import ServiceSettings, WorkerLimits

pytestmark = pytest.mark.slow

CAMERA = "fake:pattern?size=64x48&fps=20"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return brightness_bundle(tmp_path_factory.mktemp("bundles") / "brightness.edge")


@contextlib.asynccontextmanager
async def running_kiosk(
    bundle: Path, journal: Callable[[], Journal] | None = None, *, source: str = CAMERA
) -> AsyncIterator[Kiosk]:
    events = EventLog()
    link = JournalLink(journal, events)
    settings = ServiceSettings(source, bundle, worker=WorkerLimits(silence_s=1.5, infer_s=5.0))
    kiosk = Kiosk(settings, FixedBundle(bundle), events, link)
    tasks = [asyncio.ensure_future(each.run()) for each in (link, kiosk)]
    try:
        yield kiosk
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.wait({task})
        await link.close()


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{what}: not within a minute")


def codes(kiosk: Kiosk) -> list[str]:
    return [each.code for each in kiosk.events_after(0)]


def is_asked(kiosk: Kiosk) -> bool:
    """Whether an upload was handed to the worker."""
    return repr(kiosk._uploads._numbers) != "count(1)"


def is_answered(kiosk: Kiosk) -> bool:
    return kiosk.latest().state == "answered"


def test_a_worker_that_says_nothing_any_more_is_replaced(bundle):
    async def run():
        async with running_kiosk(bundle) as kiosk:
            await until(lambda: is_answered(kiosk), "an answer")
            pid = kiosk.health().worker.pid
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: "worker_silent" in codes(kiosk), "the fault")
            await until(lambda: is_answered(kiosk), "an answer")
            return pid, kiosk.health().worker

    pid, worker = asyncio.run(run())
    assert worker.pid != pid
    assert (worker.state, worker.restarts) == ("ready", 1)


def test_an_answer_on_its_way_to_the_journal_when_its_worker_dies_is_never_shown(bundle, tmp_path):
    disk = HangingDisk()

    async def run():
        async with running_kiosk(bundle, lambda: Journal(tmp_path / "j", disk=disk)) as kiosk:
            await until(lambda: is_answered(kiosk), "an answer")
            disk.may_sync.clear()
            await until(lambda: kiosk._publishing, "answers on their way")
            os.kill(kiosk.health().worker.pid, signal.SIGKILL)
            killed_ns = time.time_ns()
            await until(lambda: kiosk.health().worker.state != "ready", "the worker's end")
            disk.may_sync.set()
            while kiosk.health().worker.restarts == 0 or not is_answered(kiosk):
                assert not is_answered(kiosk)
                await asyncio.sleep(0.001)
            return killed_ns, kiosk.latest().answer

    killed_ns, answer = asyncio.run(run())
    assert answer.capture_time_ns > killed_ns


def test_a_worker_that_has_to_wait_for_the_journal_is_not_taken_for_silent(bundle, tmp_path):
    disk = HangingDisk()

    async def run():
        async with running_kiosk(bundle, lambda: Journal(tmp_path / "j", disk=disk)) as kiosk:
            await until(lambda: is_answered(kiosk), "an answer")
            disk.may_sync.clear()
            await asyncio.sleep(3.5)  # over twice the silence that is allowed
            disk.may_sync.set()
            await until(lambda: is_answered(kiosk), "an answer")
            return codes(kiosk), kiosk.health().worker.restarts

    found, restarts = asyncio.run(run())
    assert [code for code in found if code.startswith("worker_")] == ["worker_started"]
    assert restarts == 0


def test_an_upload_whose_answer_is_on_its_way_outlives_its_worker(bundle, tmp_path):
    disk = HangingDisk()

    async def run():
        journal = lambda: Journal(tmp_path / "j", disk=disk)  # noqa: E731 - an argument
        async with running_kiosk(bundle, journal, source="") as kiosk:
            await until(lambda: kiosk.health().worker.state == "ready", "a worker")
            disk.may_sync.clear()
            upload = asyncio.ensure_future(kiosk.infer(GOOD))
            waiting = kiosk._uploads._waiting
            await until(lambda: is_asked(kiosk) and not waiting, "its inference")
            os.kill(kiosk.health().worker.pid, signal.SIGKILL)
            await until(lambda: "worker_died" in codes(kiosk), "its worker's end")
            disk.may_sync.set()
            return await upload

    answer = asyncio.run(run())
    assert (answer.status, answer.source) == ("ok", "upload")
    assert answer.sequence > 0


@pytest.mark.parametrize(
    ("program", "code"),
    [
        pytest.param("pass", "worker_died", id="ends at once"),
        pytest.param("import os; os.abort()", "worker_died", id="crashes"),
        pytest.param("say(b'GET / HTTP/1.1')", "worker_garbled", id="talks of something else"),
        pytest.param("say(pack('>II', 5, 0) + b'hello')", "worker_garbled", id="no JSON"),
        pytest.param("say(pack('>II', 50, 0) + b'{')", "worker_died", id="half a message"),
        pytest.param("say(pack('>II', 2**31, 0))", "worker_garbled", id="endless"),
    ],
)
def test_whatever_a_worker_does_the_service_goes_on(bundle, monkeypatch, program, code):
    prologue = (
        "import socket, sys; from struct import pack\n"
        "say = socket.socket(fileno=int(sys.argv[1])).sendall\n"
    )
    monkeypatch.setattr(worker_process, "_CODE", prologue + program)

    async def run():
        async with running_kiosk(bundle) as kiosk:
            await until(lambda: kiosk.health().worker.restarts >= 2, "another and another")
            assert kiosk.health().status == "down"
            return codes(kiosk), kiosk.latest()

    found, latest = asyncio.run(run())
    assert set(found) == {code}
    assert (latest.state, latest.gate) == ("no_result", "worker")
