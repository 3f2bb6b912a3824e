"""A disk that is full or fails: nothing is acknowledged that is not stored, and it passes."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from failing_disk import FailingDisk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_samples import SMALL, answer, check_whole, filled, segments, stored_lines

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.journal import Journal, JournalError, Receipt

LIMITED_CHILD = """
import json, pathlib, resource, sys, time
sys.path.insert(0, sys.argv[2])
from journal_samples import answer
from edge.kiosk.journal.journal import Journal, JournalError, JournalLimits

_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
receipts, refused = [], []
with Journal(pathlib.Path(sys.argv[1]), JournalLimits(min_free_bytes=0)) as journal:
    while not refused:
        try:
            receipts.append(journal.append(answer(len(receipts))))
        except JournalError as error:
            refused.append(str(error))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    deadline = time.monotonic() + 60
    while True:
        try:
            receipts.append(journal.append(answer(len(receipts))))
            break
        except JournalError as error:
            refused.append(str(error))
            assert time.monotonic() < deadline, refused[-1]
            time.sleep(0.01)
print(json.dumps([[[each.sequence, each.digest] for each in receipts], refused]))
"""


def append_when_it_works(journal: Journal) -> Receipt:
    deadline = time.monotonic() + 60
    while True:
        try:
            return journal.append(answer(77))
        except JournalError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_where_a_file_may_not_grow_nothing_half_is_left_and_it_goes_on_when_it_may(tmp_path):
    command = [sys.executable, "-c", LIMITED_CHILD, str(tmp_path / "j"), str(Path(__file__).parent)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    receipts, refused = json.loads(ended.stdout)
    assert len(receipts) > 2
    assert "File too large" in refused[0]
    check_whole(tmp_path / "j", [Receipt(*each) for each in receipts])


@pytest.mark.parametrize("part", [0.0, 0.3, 0.999, 1.0])
def test_a_full_disk_refuses_entries_until_there_is_room_again(tmp_path, part):
    disk = FailingDisk()
    disk.part = part
    with Journal(tmp_path / "j", SMALL, disk=disk) as journal:
        receipts = [journal.append(answer(index)) for index in range(3)]
        disk.fill()
        with pytest.raises(JournalError, match="No space left on device; free the disk"):
            journal.append(answer(3))
        assert "No space" in journal.failure
        assert journal.last_sequence == receipts[-1].sequence
        # At once, not only when the disk works again.
        check_whole(tmp_path / "j", receipts)
        disk.failing = {}
        receipts.append(append_when_it_works(journal))
        assert not journal.failure
    found = check_whole(tmp_path / "j", receipts)
    assert any("the disk failed or was full" in each for each in found.notes)


def test_how_many_entries_were_refused_is_told_by_the_next_that_is_stored(tmp_path):
    disk = FailingDisk()
    with Journal(tmp_path / "j", disk=disk) as journal:
        journal.append(answer(0))
        disk.fill()
        for index in range(5):
            with pytest.raises(JournalError):
                journal.append(answer(index))
        disk.failing = {}
        append_when_it_works(journal)
    [told] = [each for each in stored_lines(tmp_path / "j") if each.get("code") == "was_failing"]
    assert told["numbers"]["refused"] >= 5


def test_a_disk_that_fails_is_not_asked_again_with_every_entry(tmp_path):
    disk = FailingDisk()
    with Journal(tmp_path / "j", disk=disk) as journal:
        journal.append(answer(0))
        disk.fill()
        before = disk.steps.count("write")
        started = time.monotonic()
        while time.monotonic() - started < 0.5:
            with pytest.raises(JournalError):
                journal.append(answer(1))
        assert disk.steps.count("write") - before <= 5


@pytest.mark.parametrize("step", ["sync", "sync_folder", "create", "truncate", "open"])
def test_a_step_that_fails_once_in_a_while_costs_no_acknowledged_entry(tmp_path, step):
    disk = FailingDisk()
    receipts = []
    with Journal(tmp_path / "j", SMALL, disk=disk) as journal:
        for index in range(30):
            disk.failing = {}
            if index % 10 == 5:
                disk.failing = {step: errno.EIO, "write": errno.EIO}
            elif index % 10 == 8:
                disk.failing = {step: errno.EIO}
            try:
                receipts.append(journal.append(answer(index)))
            except JournalError:
                disk.failing = {}
                receipts.append(append_when_it_works(journal))
        assert disk.steps.count(step)
    check_whole(tmp_path / "j", receipts)


def test_a_segment_that_could_not_be_begun_is_gone_before_its_entry_is_written_elsewhere(tmp_path):
    disk = FailingDisk()
    large = msgspec.structs.replace(answer(1), outputs=answer(1).outputs * 30)
    with Journal(tmp_path / "j", SMALL, disk=disk) as journal:
        receipts = [journal.append(answer(0))]
        # The large one needs a segment of its own, whose name cannot be stored nor removed.
        disk.failing = {"sync_folder": errno.EIO, "remove": errno.EIO}
        with pytest.raises(JournalError):
            journal.append(large)
        assert len(segments(tmp_path / "j")) == 2
        disk.failing = {}
        receipts.append(append_when_it_works(journal))
    assert len(segments(tmp_path / "j")) == 1
    check_whole(tmp_path / "j", receipts)


def test_a_journal_that_is_opened_on_a_full_disk_waits_for_room(tmp_path):
    disk = FailingDisk()
    disk.fill()
    with Journal(tmp_path / "j", disk=disk) as journal:
        with pytest.raises(JournalError):
            journal.append(answer(0))
        disk.failing = {}
        receipt = append_when_it_works(journal)
    check_whole(tmp_path / "j", [receipt])


def test_a_torn_end_on_a_full_disk_is_cut_off_when_there_is_room(tmp_path):
    receipts = filled(tmp_path / "j", 3)
    [segment] = segments(tmp_path / "j")
    segment.write_bytes(segment.read_bytes() + b'{"sha256":"00')
    disk = FailingDisk()
    disk.fill()
    with Journal(tmp_path / "j", disk=disk) as journal:
        assert "No space" in journal.failure
        disk.failing = {}
        receipts.append(append_when_it_works(journal))
    found = check_whole(tmp_path / "j", receipts)
    assert any("cut off" in each for each in found.notes)


def test_what_is_kept_free_is_not_taken(tmp_path):
    free = os.statvfs(tmp_path)
    all_of_it = free.f_blocks * free.f_frsize
    with (
        Journal(tmp_path / "j", JournalLimits(min_free_bytes=all_of_it)) as journal,
        pytest.raises(JournalError, match="are kept free; free the disk"),
    ):
        journal.append(answer(0))
    assert not list((tmp_path / "j").glob("chain-*"))


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    plan=st.lists(
        st.tuples(
            st.sets(
                st.sampled_from(
                    ["write", "sync", "truncate", "open", "create", "sync_folder", "remove"]
                ),
                max_size=3,
            ),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_fails_what_was_acknowledged_is_there(tmp_path_factory, plan):
    folder = tmp_path_factory.mktemp("journal") / "j"
    disk = FailingDisk()
    receipts = []
    with Journal(folder, JournalLimits(segment_bytes=2500, min_free_bytes=0), disk=disk) as journal:
        for failing, part in plan:
            disk.part = part
            disk.failing = dict.fromkeys(failing, errno.EIO)
            for index in range(2):
                try:
                    receipts.append(journal.append(answer(index)))
                except JournalError:
                    journal._retry_at = 0.0
        disk.failing = {}
    Journal(folder, SMALL).close()
    check_whole(folder, receipts)
