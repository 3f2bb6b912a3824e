"""A journal can be verified and exported while the service writes to it."""

import threading

import pytest
from failing_disk import FailingDisk
from journal_samples import answer, check_whole, filled, segments

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.existing_journal import is_written
from edge.kiosk.journal.export import ExportOptions, export_journal
from edge.kiosk.journal.journal import Journal, JournalError

BUSY = JournalLimits(max_bytes=200_000, segment_bytes=8192, min_free_bytes=0)


class Writer:
    """Appends as fast as it can, until it is stopped."""

    def __init__(self, journal):
        self._journal = journal
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self):
        while not self._is_over.is_set():
            self._append()

    def _append(self):
        try:
            self._journal.append(answer())
        except JournalError:
            # Let the next one be tried at once.
            self._journal._retry_at = 0.0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()


def test_verifying_while_entries_come_and_the_oldest_go_finds_no_fault(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 150, BUSY)
    with Journal(folder, BUSY) as journal, Writer(journal):
        lasts = [check_whole(folder).last_sequence for _ in range(30)]
    assert lasts == sorted(lasts)
    assert lasts[-1] > lasts[0]


def test_verifying_while_the_disk_fails_again_and_again_finds_no_fault(tmp_path):
    folder = tmp_path / "j"
    disk = FailingDisk()
    with Journal(folder, BUSY, disk=disk) as journal:
        journal.append(answer())
        with Writer(journal):
            for _ in range(20):
                disk.fill()
                check_whole(folder)
                disk.failing = {}
                check_whole(folder)


def test_exporting_while_entries_come_gives_whole_lines(tmp_path):
    folder = tmp_path / "j"
    limits = JournalLimits(segment_bytes=8192, min_free_bytes=0)
    with Journal(folder, limits) as journal:
        journal.append(answer())
        with Writer(journal):
            for _ in range(10):
                export_journal(folder, tmp_path / "out", ExportOptions())
                assert (tmp_path / "out").read_bytes().endswith(b"}\n")


def test_a_part_of_a_line_at_the_end_is_no_fault_while_a_service_writes(tmp_path):
    folder = tmp_path / "j"
    with Journal(folder, BUSY) as journal:
        receipt = journal.append(answer())
        assert is_written(folder)
        segment = segments(folder)[-1]
        before = segment.read_bytes()
        segment.write_bytes(before + b'{"sha256":"0')
        check_whole(folder, [receipt])
        segment.write_bytes(before)
    assert not is_written(folder)


def test_a_service_can_start_while_its_journal_is_verified(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 20)
    is_over = threading.Event()

    def keep_asking():
        while not is_over.is_set():
            is_written(folder)

    asking = [threading.Thread(target=keep_asking) for _ in range(2)]
    for each in asking:
        each.start()
    try:
        for _ in range(10):
            Journal(folder).close()
    finally:
        is_over.set()
        for each in asking:
            each.join()


def test_many_may_verify_at_once(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 20)
    for _ in range(3):
        check_whole(folder)
    with pytest.raises(JournalError), Journal(folder), Journal(folder):
        pass
