"""A journal is opened after whatever happened to it; nothing is repaired in silence."""

import errno
import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_samples import SMALL, answer, check_whole, filled, segments, stored_lines

from edge.errors import EdgeError
from edge.kiosk.journal.export import ExportOptions, export_journal
from edge.kiosk.journal.journal import Journal, JournalError
from edge.kiosk.journal.line import seal
from edge.kiosk.journal.verify import verify_journal


def damage(folder, number=0):
    """Change a byte in the middle of the newest segment, or of one before it."""
    segment = segments(folder)[-1 - number]
    data = segment.read_bytes()
    segment.write_bytes(data.replace(b'"status":"ok"', b'"status":"OK"', 1))


def test_a_torn_end_is_cut_off_kept_aside_and_told_by_an_entry(tmp_path):
    folder = tmp_path / "j"
    receipts = filled(folder, 3)
    [segment] = segments(folder)
    torn = b'{"sha256":"0123'
    segment.write_bytes(segment.read_bytes() + torn)
    with Journal(folder, SMALL) as journal:
        assert journal.torn_bytes == len(torn)
        assert not journal.set_aside
    found = check_whole(folder, receipts)
    assert any(f"{len(torn)} bytes were cut off" in each for each in found.notes)
    [kept] = folder.glob("chain-000001/torn-*.bin")
    assert kept.read_bytes() == torn
    assert int(kept.stem.removeprefix("torn-")) == receipts[-1].sequence
    [told] = [each for each in stored_lines(folder) if each.get("code") == "torn_end_cut"]
    assert told["numbers"] == {"bytes": len(torn)}


def test_a_torn_end_is_told_once(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 1)
    [segment] = segments(folder)
    segment.write_bytes(segment.read_bytes()[:-1])
    for _ in range(3):
        Journal(folder, SMALL).close()
    told = [each for each in stored_lines(folder) if each.get("code") == "torn_end_cut"]
    assert len(told) == 1


@pytest.mark.parametrize("data", [b"", b'{"sha', b"\0" * 4096, b"\0" * 100 + b"}\n"])
def test_a_segment_of_which_nothing_was_stored_is_taken_away(tmp_path, data):
    folder = tmp_path / "j"
    receipts = filled(folder, 3)
    torn = folder / "chain-000001" / f"{receipts[-1].sequence + 1:020d}.jsonl"
    torn.write_bytes(data)
    with Journal(folder, SMALL) as journal:
        receipts.append(journal.append(answer(4)))
    check_whole(folder, receipts)
    assert b"\0" not in b"".join(each.read_bytes() for each in segments(folder))


def test_before_the_next_start_a_torn_end_is_told_by_verify(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 3)
    [segment] = segments(folder)
    segment.write_bytes(segment.read_bytes()[:-10])
    [found] = verify_journal(folder).breaks
    assert "are no whole entry, as after a loss of power" in str(found)


def test_damage_in_the_middle_is_never_repaired_the_chain_is_set_aside(tmp_path):
    folder = tmp_path / "j"
    receipts = filled(folder, 20)
    damage(folder)
    before = {path.name: path.read_bytes() for path in segments(folder)}
    with Journal(folder, SMALL) as journal:
        assert "digest" in journal.set_aside
        receipt = journal.append(answer(20))
    aside = {path.name: path.read_bytes() for path in folder.glob("damaged-000001/*")}
    assert aside == before
    head = stored_lines(folder)[0]
    assert head["follows"] == "damaged-000001"
    assert head["previous"] == receipts[-1].digest
    assert receipt.sequence > receipts[-1].sequence
    found = verify_journal(folder, [receipt])
    assert not found.is_whole
    assert {each.file.partition("/")[0] for each in found.breaks} == {"damaged-000001"}


def test_time_is_counted_on_behind_a_chain_that_was_set_aside(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 2)
    lines = stored_lines(folder)
    damage(folder)
    filled(folder, 1)
    head = stored_lines(folder)[0]
    assert head["is_first"]
    assert head["elapsed_ns"] == lines[-1]["monotonic_ns"] - lines[0]["monotonic_ns"]
    assert head["elapsed_ns"] > 0


def test_a_chain_that_was_set_aside_may_be_filed_elsewhere(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 5)
    damage(folder)
    filled(folder, 2)
    shutil.move(folder / "damaged-000001", tmp_path / "elsewhere")
    found = check_whole(folder)
    assert any("set aside as damaged and is not here" in each for each in found.notes)


def test_a_chain_that_was_set_aside_and_changed_afterwards_is_told(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 5)
    damage(folder)
    filled(folder, 2)
    segment = max(folder.glob("damaged-000001/*.jsonl"))
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-1]))
    assert any("whose end has changed" in str(each) for each in verify_journal(folder).breaks)


def test_a_journal_can_be_damaged_again_and_again(tmp_path):
    folder = tmp_path / "j"
    for _ in range(3):
        filled(folder, 4)
        damage(folder)
    filled(folder, 1)
    names = sorted(each.name for each in folder.iterdir() if each.is_dir())
    assert names == ["chain-000004", "damaged-000001", "damaged-000002", "damaged-000003"]
    sequences = [each["sequence"] for each in stored_lines(folder)]
    assert min(sequences) > 10


def test_a_damaged_chain_that_somebody_put_back_is_not_in_the_way(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 4)
    shutil.copytree(folder / "chain-000001", folder / "damaged-000001")
    damage(folder)
    receipts = filled(folder, 1)
    names = sorted(each.name for each in folder.iterdir() if each.is_dir())
    assert names == ["chain-000003", "damaged-000001", "damaged-000002"]
    found = verify_journal(folder, receipts)
    assert not any("receipts" in each.file for each in found.breaks)


def test_what_is_no_file_holds_nobody_up(tmp_path):
    folder = tmp_path / "j"
    receipts = filled(folder, 4)
    os.mkfifo(folder / "chain-000001" / f"{99:020d}.jsonl")
    (folder / "chain-000001" / f"{98:020d}.jsonl").mkdir()
    (folder / "chain-000002").write_text("")
    (folder / "chain-000001" / "notes.txt").write_text("")
    receipts += filled(folder, 1)
    check_whole(folder, receipts)


def test_damage_in_an_older_segment_is_told_and_the_chain_goes_on(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 20)
    damage(folder, 2)
    with Journal(folder, SMALL) as journal:
        assert not journal.set_aside
        receipt = journal.append(answer())
    [found] = verify_journal(folder, [receipt]).breaks
    assert segments(folder)[-3].name in str(found)


def test_entries_stored_before_a_broken_place_was_written_over_are_damage_not_torn(tmp_path):
    """Zeros in the middle of stored lines are no torn end."""
    folder = tmp_path / "j"
    filled(folder, 3)
    [segment] = segments(folder)
    lines = segment.read_bytes().splitlines(keepends=True)
    lines[2] = b"\0" * len(lines[2])
    segment.write_bytes(b"".join(lines))
    with Journal(folder, SMALL) as journal:
        assert journal.set_aside


def test_a_journal_of_a_newer_version_is_left_as_it_is(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 1)
    [segment] = segments(folder)
    head = segment.read_bytes().splitlines()[0]
    newer, _ = seal(b"{" + head[77:].replace(b'"format":1', b'"format":2'))
    segment.write_bytes(newer)
    with pytest.raises(JournalError, match="has format 2, this program knows 1"):
        Journal(folder, SMALL)
    with pytest.raises(EdgeError, match="format 2"):
        verify_journal(folder)
    assert segment.read_bytes() == newer


def test_a_disk_that_cannot_be_written_at_all_is_told_at_once(tmp_path):
    filled(tmp_path / "j", 1)

    class ReadOnlyDisk:
        def __getattr__(self, name):
            raise OSError(errno.EROFS, "Read-only file system")

    with pytest.raises(JournalError, match="Read-only file system"):
        Journal(tmp_path / "j", SMALL, disk=ReadOnlyDisk())
    filled(tmp_path / "j", 1)


LINES = st.sampled_from(
    [
        b"",
        b"{}\n",
        b"\0\0\0\0\n",
        b"\xff\xfe\n",
        seal(b"{}")[0],
        seal(b"[1]")[0],
        seal(b'{"sequence":1,"synced":0,"previous":"","kind":"segment","time_ns":0}')[0],
        seal(
            b'{"sequence":1,"synced":0,"previous":"","kind":"segment","time_ns":0,"boot_id":"",'
            b'"monotonic_ns":0,"format":1,"chain":1,"elapsed_ns":0,"is_first":true,"follows":""}'
        )[0],
        seal(
            b'{"sequence":2,"synced":4611686018427387904,"previous":"","kind":"answer",'
            b'"time_ns":-9223372036854775808,"boot_id":"","monotonic_ns":0}'
        )[0],
        seal(b'{"sequence":NaN}')[0],
        b'{"sha256":"' + b"0" * 64 + b'",' + b"[" * 5000 + b"\n",
    ]
)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    files=st.lists(
        st.one_of(st.lists(LINES, max_size=5).map(b"".join), st.binary(max_size=300)),
        min_size=1,
        max_size=3,
    ),
    names=st.permutations([1, 2, 3]),
)
def test_whatever_the_files_hold_the_reader_tells_and_the_writer_goes_on(
    tmp_path_factory, files, names
):
    folder = tmp_path_factory.mktemp("journal")
    (folder / "chain-000001").mkdir()
    (folder / "lock").touch()
    for name, data in zip(names, files, strict=False):
        (folder / "chain-000001" / f"{name:020d}.jsonl").write_bytes(data)
    verify_journal(folder)
    export_journal(folder, folder / "out", ExportOptions(form="csv", keeps_going=True))
    with Journal(folder, SMALL) as journal:
        receipt = journal.append(answer())
    found = verify_journal(folder, [receipt])
    assert not any("receipt" in each.file for each in found.breaks)
