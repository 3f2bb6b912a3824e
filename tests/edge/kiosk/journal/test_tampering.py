"""Whatever somebody changes in a journal's files is told, and where."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_samples import check_whole, filled, segments

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.entry import JournalEntry
from edge.kiosk.journal.journal import Journal, Receipt
from edge.kiosk.journal.verify import verify_journal


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> tuple[Path, list[Receipt]]:
    """A journal of a few segments."""
    folder = tmp_path_factory.mktemp("original") / "j"
    receipts = filled(folder, 9, JournalLimits(segment_bytes=5000, min_free_bytes=0))
    assert len(segments(folder)) == 3
    check_whole(folder, receipts)
    return folder, receipts


@pytest.fixture(scope="module")
def copy(original, tmp_path_factory):
    """One copy to tamper with, mended after each attempt: gives its segments and their bytes."""
    folder = tmp_path_factory.mktemp("copy") / "j"
    shutil.copytree(original[0], folder)
    return folder, {path: path.read_bytes() for path in segments(folder)}


def is_detected(copy, changed: dict[Path, bytes | None], last: Receipt | None = None) -> bool:
    folder, before = copy
    for path, data in changed.items():
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)
    try:
        return not verify_journal(folder, expected_last=last).is_whole
    finally:
        for path, data in before.items():
            path.write_bytes(data)


def test_every_byte_of_a_segment_is_guarded(tmp_path):
    """Also of the last line, which no other line hangs on."""
    with Journal(tmp_path) as journal:
        journal.append(JournalEntry(kind="start"))
        journal.append(JournalEntry(kind="event", code="source_lost"))
    [path] = segments(tmp_path)
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert not verify_journal(tmp_path).is_whole, place


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_changed_byte_is_told(copy, data):
    path = data.draw(st.sampled_from(sorted(copy[1])))
    before = copy[1][path]
    place = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != before[place]))
    changed = before[:place] + bytes([byte]) + before[place + 1 :]
    assert is_detected(copy, {path: changed})


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_bytes_put_in_or_taken_out_are_told(copy, original, data):
    path = data.draw(st.sampled_from(sorted(copy[1])))
    before = copy[1][path]
    start = data.draw(st.integers(0, len(before)))
    stop = data.draw(st.integers(start, min(len(before), start + 700)))
    put_in = data.draw(st.binary(max_size=40))
    changed = before[:start] + put_in + before[stop:]
    if changed != before:
        assert is_detected(copy, {path: changed}, original[1][-1])


def lines_of(copy) -> list[tuple[Path, int]]:
    return [(path, number) for path, data in copy[1].items() for number in range(data.count(b"\n"))]


def test_every_line_that_is_removed_is_told(copy, original):
    for path, number in lines_of(copy):
        lines = copy[1][path].splitlines(keepends=True)
        del lines[number]
        assert is_detected(copy, {path: b"".join(lines)}, original[1][-1]), (path, number)


def test_every_line_that_stands_twice_is_told(copy):
    for path, number in lines_of(copy):
        lines = copy[1][path].splitlines(keepends=True)
        lines.insert(number, lines[number])
        assert is_detected(copy, {path: b"".join(lines)}), (path, number)


def test_any_two_lines_that_change_places_are_told(copy):
    places = lines_of(copy)
    for first in range(len(places)):
        for second in range(first):
            files = {path: data.splitlines(keepends=True) for path, data in copy[1].items()}
            (one, a), (other, b) = places[first], places[second]
            files[one][a], files[other][b] = files[other][b], files[one][a]
            changed = {path: b"".join(lines) for path, lines in files.items()}
            assert is_detected(copy, changed), (first, second)


def test_a_line_of_another_journal_is_told(copy, tmp_path):
    filled(tmp_path / "other", 9, JournalLimits(segment_bytes=5000, min_free_bytes=0))
    for path, other in zip(copy[1], segments(tmp_path / "other"), strict=True):
        assert is_detected(copy, {path: other.read_bytes()})


def test_a_segment_that_is_missing_is_told_unless_it_is_the_last(copy, original):
    first, middle, last = copy[1]
    assert is_detected(copy, {first: None})
    assert is_detected(copy, {middle: None})
    assert not is_detected(copy, {last: None})
    assert is_detected(copy, {last: None}, original[1][-1])


def test_an_end_that_was_cut_off_shows_against_any_receipt_for_it(copy, original):
    folder, files = copy
    path, data = list(files.items())[-1]
    lines = data.splitlines(keepends=True)
    try:
        path.write_bytes(b"".join(lines[:-1]))
        check_whole(folder)
        found = verify_journal(folder, [original[1][-1]])
        assert "its end was cut off" in str(found.breaks[0])
    finally:
        path.write_bytes(data)


def test_a_receipt_with_another_digest_is_told(original):
    folder, receipts = original
    wrong = Receipt(receipts[3].sequence, "f" * 64)
    [found] = verify_journal(folder, [wrong]).breaks
    assert f"entry {wrong.sequence} is there with another digest" in str(found)


def test_a_break_is_told_with_its_place_and_the_rest_is_still_read(copy):
    folder, files = copy
    path, data = list(files.items())[1]
    lines = data.splitlines(keepends=True)
    sequence = int(path.stem)
    try:
        path.write_bytes(data.replace(b'"index":', b'"Index":', 1))
        found = verify_journal(folder)
        assert len(found.breaks) == 1
        assert str(found.breaks[0]).startswith(f"chain-000001/{path.name} after entry {sequence}:")
        assert found.lines == sum(each.count(b"\n") for each in files.values()) - 1
    finally:
        path.write_bytes(b"".join(lines))
