"""What the service gets from a journal."""

import itertools
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from journal_samples import SMALL, answer, check_whole, filled, segments, stored_lines

from edge.errors import OutputError, UsageError
from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.disk import Disk
from edge.kiosk.journal.entry import MAX_ENTRY_BYTES, JournalEntry, encode_entry, kind_of_source
from edge.kiosk.journal.journal import Journal, JournalError
from edge.kiosk.messages import LabelScore, Output


class SlowDisk(Disk):
    """Syncs when it is told to, and counts."""

    def __init__(self) -> None:
        self.may_sync = threading.Event()
        self.syncs = 0

    def sync(self, descriptor: int) -> None:
        self.may_sync.wait(60)
        self.syncs += 1
        super().sync(descriptor)


def test_an_entry_that_was_acknowledged_is_in_the_file_with_its_digest(tmp_path):
    with Journal(tmp_path / "j") as journal:
        receipt = journal.append(answer(7))
        [segment] = segments(tmp_path / "j")
        line = json.loads(segment.read_bytes().splitlines()[-1])
    assert receipt.sequence == line["sequence"] == journal.last_sequence
    assert receipt.digest == line["sha256"]
    assert line["index"] == 7


def test_the_digest_is_what_sha256sum_gives_for_the_line_without_it(tmp_path):
    [receipt] = filled(tmp_path / "j", 1)
    [segment] = segments(tmp_path / "j")
    command = """tail -n 1 "$1" | sed 's/"sha256":"[^"]*",//' | tr -d '\\n' | sha256sum"""
    found = subprocess.run(
        ["sh", "-c", command, "sh", segment], capture_output=True, text=True, check=True
    )
    assert found.stdout.split()[0] == receipt.digest


def test_each_line_names_the_digest_of_the_line_before_also_from_file_to_file(tmp_path):
    filled(tmp_path / "j", 40)
    assert len(segments(tmp_path / "j")) > 3
    lines = stored_lines(tmp_path / "j")
    assert lines[0]["previous"] == "0" * 64
    for before, line in itertools.pairwise(lines):
        assert line["previous"] == before["sha256"]
        assert line["sequence"] == before["sequence"] + 1


def test_each_file_begins_with_a_head_that_carries_the_chain(tmp_path):
    filled(tmp_path / "j", 40)
    for segment in segments(tmp_path / "j"):
        lines = [json.loads(line) for line in segment.read_bytes().splitlines()]
        assert [line["kind"] == "segment" for line in lines] == [True] + [False] * (len(lines) - 1)
        assert int(segment.stem) == lines[0]["sequence"]


def test_a_segment_is_closed_before_it_is_over_its_size(tmp_path):
    filled(tmp_path / "j", 40)
    assert max(each.stat().st_size for each in segments(tmp_path / "j")) <= SMALL.segment_bytes


def test_the_chain_goes_on_where_a_journal_is_opened_again(tmp_path):
    receipts = [each for _ in range(4) for each in filled(tmp_path / "j", 3)]
    assert [each.sequence for each in receipts] == sorted({each.sequence for each in receipts})
    check_whole(tmp_path / "j", receipts)


def test_only_its_owner_can_read_it(tmp_path):
    before = os.umask(0)
    try:
        filled(tmp_path / "j", 20)
    finally:
        os.umask(before)
    for path in [tmp_path / "j", *(tmp_path / "j").rglob("*")]:
        allowed = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == allowed, path


def test_two_services_cannot_write_one_journal(tmp_path):
    with Journal(tmp_path / "j"), pytest.raises(JournalError, match="in use by another process"):
        Journal(tmp_path / "j")
    filled(tmp_path / "j", 1)


def test_a_process_that_is_killed_lets_go_of_the_journal(tmp_path):
    code = (
        "import sys, time, pathlib; from edge.kiosk.journal.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1])); print('open', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "j")], stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        with pytest.raises(JournalError, match="in use"):
            Journal(tmp_path / "j")
        child.kill()
    filled(tmp_path / "j", 1)


def test_all_entries_that_wait_are_stored_by_one_sync(tmp_path):
    disk = SlowDisk()
    with Journal(tmp_path / "j", disk=disk) as journal:
        first = journal.submit(answer(0))
        rest = [journal.submit(answer(index)) for index in range(1, 100)]
        assert not first.done()
        disk.may_sync.set()
        sequences = [each.result(60).sequence for each in [first, *rest]]
    assert sequences == sorted(set(sequences))
    assert disk.syncs <= 3


def test_entries_of_many_threads_are_each_stored_once(tmp_path):
    with Journal(tmp_path / "j", SMALL) as journal, ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda index: journal.append(answer(index)), range(400)))
    assert len({each.sequence for each in receipts}) == 400
    check_whole(tmp_path / "j", receipts)
    lines = stored_lines(tmp_path / "j")
    by_sequence = {line["sequence"]: line.get("index") for line in lines}
    assert [by_sequence[each.sequence] for each in receipts] == list(range(400))


def test_a_journal_that_cannot_keep_up_says_so_instead_of_growing(tmp_path):
    disk = SlowDisk()
    with Journal(tmp_path / "j", JournalLimits(max_waiting=5), disk=disk) as journal:
        submitted = [journal.submit(answer(0))]
        while not submitted[0].running():
            pass
        submitted += [journal.submit(answer(index)) for index in range(1, 6)]
        with pytest.raises(JournalError, match="is full: 5 entries wait"):
            journal.submit(answer(6))
        disk.may_sync.set()
        assert all(each.result(60).sequence for each in submitted)


def test_an_entry_that_nobody_waits_for_any_more_is_not_written(tmp_path):
    disk = SlowDisk()
    with Journal(tmp_path / "j", disk=disk) as journal:
        first = journal.submit(answer(0))
        while not first.running():
            pass
        given_up = journal.submit(answer(1))
        assert given_up.cancel()
        disk.may_sync.set()
        first.result(60)
        assert journal.append(answer(2)).sequence == first.result().sequence + 1


def test_closing_writes_what_waits(tmp_path):
    journal = Journal(tmp_path / "j")
    waiting = [journal.submit(answer(index)) for index in range(50)]
    journal.close()
    journal.close()
    check_whole(tmp_path / "j", [each.result(0) for each in waiting])
    with pytest.raises(JournalError, match="closed"):
        journal.submit(answer())


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(JournalEntry(kind="answer", gate="could not read anna.png"), id="sentence"),
        pytest.param(JournalEntry(kind="answer", engine="/home/x"), id="path"),
        pytest.param(JournalEntry(kind="answer", code="a\n"), id="newline"),
        pytest.param(JournalEntry(kind="answer", source_kind="anna"), id="source"),
        pytest.param(JournalEntry(kind="answer", input_digest="abc"), id="digest"),
        pytest.param(JournalEntry(kind="Answer"), id="kind"),
        pytest.param(JournalEntry(kind="answer", numbers={"a": 1.5}), id="number"),
        pytest.param(JournalEntry(kind="answer", index=1 << 70), id="huge"),
        pytest.param(
            JournalEntry(
                kind="answer",
                outputs=(Output("o", "regression", (LabelScore("x", float("nan")),), ()),),
            ),
            id="not a number",
        ),
        pytest.param(
            JournalEntry(
                kind="answer",
                outputs=(Output("o", "regression", (LabelScore("\ud800", 0.0),), ()),),
            ),
            id="surrogate",
        ),
        pytest.param(
            JournalEntry(
                kind="answer",
                outputs=(Output("o", "regression", (LabelScore("x" * MAX_ENTRY_BYTES, 0.0),), ()),),
            ),
            id="too large",
        ),
        pytest.param(JournalEntry(kind="segment"), id="the journal's own"),
        pytest.param(JournalEntry(kind="journal"), id="the journal's own too"),
    ],
)
def test_what_may_not_be_in_an_entry_is_refused_and_nothing_else(tmp_path, entry):
    with Journal(tmp_path / "j") as journal:
        before = journal.append(answer())
        with pytest.raises(JournalError):
            journal.submit(entry)
        assert journal.append(answer()).sequence == before.sequence + 1


def test_an_entry_is_read_back_as_it_was():
    entry = answer(3)
    assert msgspec.json.decode(encode_entry(entry), type=JournalEntry) == entry


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("camera:0?size=640x480", "camera"),
        ("rtsp://user:secret@host/anna", "rtsp"),
        ("HTTPS://host/", "http"),
        ("watch:/srv/anna", "watch"),
        ("upload", "upload"),
        ("/srv/anna.mp4", "file"),
        ("anna:1", "file"),
        ("", "file"),
    ],
)
def test_of_an_address_only_the_kind_is_kept(address, kind):
    assert kind_of_source(address) == kind


def test_a_folder_that_cannot_be_one_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write the journal"):
        Journal(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot write the journal"):
        Journal(tmp_path / "file" / "below")


@pytest.mark.parametrize("name", ["max_bytes", "segment_bytes", "max_age_days", "max_waiting"])
def test_bounds_that_mean_nothing_are_refused(name):
    with pytest.raises(UsageError, match=name):
        JournalLimits(**{name: 0})


def test_a_segment_that_somebody_removed_does_not_swallow_entries(tmp_path):
    folder: Path = tmp_path / "j"
    with Journal(folder) as journal:
        journal.append(answer(0))
        segments(folder)[0].unlink()
        receipt = journal.append(answer(1))
    [segment] = segments(folder)
    assert receipt.digest.encode() in segment.read_bytes()


def append_until_stored(journal):
    """Entries are refused for a moment after one that could not be written."""
    deadline_s = time.monotonic() + 60
    while True:
        try:
            return journal.append(answer(9))
        except JournalError:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)


def test_where_somebody_removed_the_lock_two_processes_still_do_not_write_one_journal(tmp_path):
    with Journal(tmp_path / "j") as first:
        first.append(answer(1))
        (tmp_path / "j" / "lock").unlink()
        with Journal(tmp_path / "j") as second:
            second.append(answer(2))
            with pytest.raises(JournalError, match="in use by another process"):
                first.append(answer(3))
            second.append(answer(4))
        # Once the other has ended, the first goes on behind what that one wrote.
        assert append_until_stored(first).sequence > 3
    check_whole(tmp_path / "j")


def test_a_journal_whose_folder_was_removed_waits_for_it_and_goes_on(tmp_path):
    with Journal(tmp_path / "j") as journal:
        journal.append(answer(1))
        shutil.rmtree(tmp_path / "j")
        with pytest.raises(JournalError, match="is gone"):
            journal.append(answer(2))
        assert not (tmp_path / "j").exists()
        (tmp_path / "j").mkdir()
        append_until_stored(journal)
    check_whole(tmp_path / "j")
