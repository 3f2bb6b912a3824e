"""Events and changes: told to all, kept within bounds, never waited for."""

import asyncio
import logging
import time

import pytest

from edge.kiosk.journal.entry import DeviceState
from edge.kiosk.service import client_notes
from edge.kiosk.service.change_signal import ChangeSignal
from edge.kiosk.service.client_notes import ClientNotes
from edge.kiosk.service.device_gauge import DeviceGauge
from edge.kiosk.service.event_log import MOST_EVENTS, EventLog
from edge.kiosk.service.log_writer import LogWriter


def test_events_count_up_and_the_oldest_are_forgotten():
    events = EventLog()
    for number in range(MOST_EVENTS + 10):
        events.add("worker", "info", "tick", f"number {number}")
    kept = events.after(0)
    assert [each.id for each in kept] == list(range(11, MOST_EVENTS + 11))
    assert [each.id for each in events.after(MOST_EVENTS + 8)] == [
        MOST_EVENTS + 9,
        MOST_EVENTS + 10,
    ]


def test_an_event_is_one_line():
    assert EventLog().add("worker", "info", "tick", "a\n b\t c").message == "a b c"


def test_every_listener_hears_every_event():
    heard: list[str] = []
    events = EventLog()
    events.listen(lambda event: heard.append(event.code))
    events.listen(lambda event: heard.append(event.code.upper()))
    events.add("worker", "info", "tick", "")
    assert heard == ["tick", "TICK"]


def test_clients_cannot_flood_the_events():
    events = EventLog()
    notes = ClientNotes(events)
    for number in range(1000):
        notes.note(f"code_{number % 100}", "again")
    assert len(events.after(0)) == client_notes.MOST_CODES
    assert {each.type for each in events.after(0)} == {"service"}


def test_all_who_wait_are_woken_by_one_change_and_who_is_late_is_not_kept():
    async def run():
        changes = ChangeSignal()
        waiting = [asyncio.ensure_future(changes.wait(0, 60.0)) for _ in range(5)]
        await asyncio.sleep(0)
        changes.announce()
        changes.announce()
        return await asyncio.gather(*waiting, changes.wait(0, 60.0))

    assert asyncio.run(run()) == [2] * 6


def test_who_waits_for_a_change_that_does_not_come_goes_on_in_time():
    async def run():
        changes = ChangeSignal()
        return await changes.wait(0, 0.01)

    assert asyncio.run(run()) == 0


def test_the_boards_state_is_read_in_a_thread_and_an_old_one_is_not_told():
    gauge = DeviceGauge(lambda: DeviceState(load_1min=1.5))
    assert gauge.latest() is None
    gauge.start()
    deadline_s = time.monotonic() + 30
    while gauge.latest() is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert gauge.latest() == DeviceState(load_1min=1.5)
    gauge._found = (time.monotonic() - 60, gauge._found[1])
    assert gauge.latest() is None


@pytest.mark.parametrize("hangs", [False, True])
def test_a_log_that_hangs_holds_nobody_up(hangs):
    import threading

    released, written = threading.Event(), []

    class Target(logging.Handler):
        def emit(self, record):
            if hangs:
                released.wait(60)
            written.append(record.getMessage())

    before = (logging.getLogger().handlers[:], logging.getLogger().level, logging.raiseExceptions)
    writer = LogWriter(Target())
    try:
        writer.start(logging.INFO)
        for number in range(3000):
            logging.getLogger("kiosk").info("line %d", number)
    finally:
        root = logging.getLogger()
        root.handlers[:], logging.raiseExceptions = before[0], before[2]
        root.setLevel(before[1])
    assert writer.close() is not hangs
    released.set()
    assert hangs or written[0] == "line 0"
