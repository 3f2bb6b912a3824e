"""The journal as the service uses it, over disks that fail and hang."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hanging_disk import HangingDisk

from edge.errors import EdgeError, OutputError
from edge.kiosk.journal.entry import JournalEntry
from edge.kiosk.journal.journal import Journal
from edge.kiosk.service import journal_link
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.journal_link import OFF, JournalLink


def entry(index: int = 0) -> JournalEntry:
    return JournalEntry(kind="answer", index=index, status="refused", gate="black")


def stored(folder: Path) -> list[dict[str, object]]:
    lines = [line for path in folder.rglob("*.jsonl") for line in path.read_text().splitlines()]
    return sorted(map(json.loads, lines), key=lambda each: each["sequence"])


@contextlib.asynccontextmanager
async def running(link: JournalLink) -> AsyncIterator[JournalLink]:
    task = asyncio.ensure_future(link.run())
    try:
        yield link
    finally:
        task.cancel()
        await asyncio.wait({task})
        await link.close()


async def until(condition) -> None:
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within a minute")


def test_entries_are_stored_between_the_services_start_and_stop(tmp_path):
    async def run():
        async with running(JournalLink(lambda: Journal(tmp_path / "j"), EventLog())) as link:
            return await link.write(entry(7))

    receipt = asyncio.run(run())
    found = {each["sequence"]: each for each in stored(tmp_path / "j")}
    assert found[receipt.sequence]["index"] == 7
    assert found[receipt.sequence]["sha256"] == receipt.digest
    kinds = [each["kind"] for each in stored(tmp_path / "j")]
    assert ("start" in kinds, kinds[-1]) == (True, "stop")


def test_events_are_stored_but_for_those_of_clients(tmp_path):
    async def run():
        events = EventLog()
        async with running(JournalLink(lambda: Journal(tmp_path / "j"), events)) as link:
            await link.write(entry())
            events.add("worker", "error", "worker_died", "it died")
            events.add("service", "warning", "client_slow", "slow")

    asyncio.run(run())
    codes = [each.get("code") for each in stored(tmp_path / "j") if each["kind"] == "event"]
    assert codes == ["worker_died"]


def test_without_a_journal_everything_is_told_at_once():
    async def run():
        link = JournalLink(None, EventLog())
        assert link.health().state == "off"
        async with running(link):
            return await link.write(entry())

    assert asyncio.run(run()) is OFF


def test_a_journal_that_cannot_be_opened_is_used_as_soon_as_it_can(tmp_path):
    async def run():
        way = tmp_path / "j"
        way.write_text("in the way")
        events = EventLog()
        async with running(JournalLink(lambda: Journal(way), events)) as link:
            with pytest.raises(EdgeError):
                await link.write(entry())
            assert link.health().state == "failing"
            way.unlink()
            await until(lambda: link.health().state == "ok")
            await link.write(entry())
        return [each.code for each in events.after(0)]

    assert asyncio.run(run()) == ["journal_failing", "journal_back"]


def test_a_disk_that_hangs_withholds_answers_and_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_link, "DURABLE_WITHIN_S", 0.3)
    disk = HangingDisk()

    async def run():
        events = EventLog()
        async with running(JournalLink(lambda: Journal(tmp_path / "j", disk=disk), events)) as link:
            await link.write(entry(1))
            disk.may_sync.clear()
            with pytest.raises(OutputError, match="not answered"):
                await link.write(entry(2))
            # What comes while it hangs is refused at once, and never stored.
            for index in range(1000):
                with pytest.raises(OutputError, match="not answered"):
                    await link.write(entry(3 + index))
            assert link.health().state == "failing"
            disk.may_sync.set()
            await until(lambda: link.health().state == "ok")
            await link.write(entry(5000))
        return [each.code for each in events.after(0)]

    codes = asyncio.run(run())
    assert codes == ["journal_failing", "journal_back"]
    indices = [each["index"] for each in stored(tmp_path / "j") if each["kind"] == "answer"]
    assert set(indices) <= {1, 2, 5000}
    assert {1, 5000} <= set(indices)


def test_a_disk_that_hangs_does_not_keep_the_service_from_ending(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_link, "DURABLE_WITHIN_S", 0.2)
    monkeypatch.setattr(journal_link, "_LAST_ENTRIES_S", 0.2)
    monkeypatch.setattr(journal_link, "_CLOSE_S", 0.2)
    disk = HangingDisk()

    async def run():
        async with running(
            JournalLink(lambda: Journal(tmp_path / "j", disk=disk), EventLog())
        ) as link:
            await link.write(entry(1))
            disk.may_sync.clear()
            with pytest.raises(OutputError):
                await link.write(entry(2))

    asyncio.run(run())
    disk.may_sync.set()


def test_a_journal_that_does_not_open_is_told_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_link, "DURABLE_WITHIN_S", 0.2)
    may_open = threading.Event()

    def open_journal() -> Journal:
        may_open.wait(60)
        return Journal(tmp_path / "j")

    async def run():
        async with running(JournalLink(open_journal, EventLog())) as link:
            with pytest.raises(OutputError, match="has not been opened"):
                await link.write(entry())
            may_open.set()
            await until(lambda: link.health().state == "ok")

    asyncio.run(run())


def test_events_that_wait_for_a_journal_are_bounded(tmp_path):
    async def run():
        events = EventLog()
        link = JournalLink(lambda: Journal(tmp_path / "j"), events)
        for _ in range(2000):
            events.add("gate", "warning", "gate_closed_black", "dark")
        return len(link._unwritten)

    assert asyncio.run(run()) == journal_link.MOST_UNWRITTEN
