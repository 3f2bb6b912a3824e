"""A journal stays within its bounds, and what is left can be verified."""

import dataclasses
import itertools
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_samples import SMALL, answer, check_whole, filled, segments, stored_lines

from edge.kiosk.journal.bounds import JournalLimits, Piece, count_removable
from edge.kiosk.journal.elapsed_clock import ElapsedClock, Moment
from edge.kiosk.journal.journal import Journal
from edge.kiosk.journal.layout import list_chains
from edge.kiosk.journal.verify import verify_journal

DAY_NS = 24 * 3600 * 1_000_000_000
YEAR_2026_NS = 1_780_000_000_000_000_000
BOUNDED = JournalLimits(max_bytes=30_000, segment_bytes=4096, min_free_bytes=0)
THIRTY_DAYS = JournalLimits(max_age_days=30, segment_bytes=4096, min_free_bytes=0)


def at(days: float, *, boot: str = "b0", wall_ns: int = YEAR_2026_NS, running_days: float = -1):
    """An answer made so many days after `wall_ns`; running as long unless said otherwise."""
    running = days if running_days < 0 else running_days
    return msgspec.structs.replace(
        answer(),
        time_ns=wall_ns + int(days * DAY_NS),
        boot_id=boot,
        monotonic_ns=int(running * DAY_NS),
    )


def total(folder: Path) -> int:
    return sum(each.size_bytes for chain in list_chains(folder) for each in chain.files())


def test_the_size_is_never_over_its_bound(tmp_path):
    folder = tmp_path / "j"
    with Journal(folder, BOUNDED) as journal:
        for index in range(150):
            journal.append(answer(index))
            assert total(folder) <= BOUNDED.max_bytes
            assert journal.size_bytes == total(folder)
    assert total(folder) > BOUNDED.max_bytes // 2


def test_what_is_left_is_verified_and_what_was_removed_is_told(tmp_path):
    folder = tmp_path / "j"
    receipts = filled(folder, 100, BOUNDED)
    found = check_whole(folder, receipts[-10:])
    assert found.first_sequence > 1
    expected = f"chain-000001: entries before {found.first_sequence} were removed by the bounds"
    assert expected in found.notes
    [missing] = verify_journal(folder, receipts[:1]).breaks
    assert "removed by the bounds, so nobody can check its receipt" in str(missing)


def test_a_segment_that_somebody_else_removed_is_not_taken_for_one_of_the_bounds(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 100, BOUNDED)
    segments(folder)[0].unlink()
    [found] = verify_journal(folder).breaks
    assert "are missing, and no entry says that the bounds removed them" in str(found)


def test_a_smaller_bound_is_kept_from_the_next_entry_on(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 100, SMALL)
    assert total(folder) > BOUNDED.max_bytes
    receipts = filled(folder, 1, BOUNDED)
    assert total(folder) <= BOUNDED.max_bytes
    check_whole(folder, receipts)


def test_chains_that_were_set_aside_count_and_go_first(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 20, BOUNDED)
    segment = segments(folder)[-1]
    segment.write_bytes(segment.read_bytes().replace(b'"status":"ok"', b'"status":"OK"', 1))
    filled(folder, 1, BOUNDED)
    assert list(folder.glob("damaged-000001/*"))
    with Journal(folder, BOUNDED) as journal:
        for index in range(60):
            journal.append(answer(index))
            assert total(folder) <= BOUNDED.max_bytes
    assert not (folder / "damaged-000001").exists()
    check_whole(folder)


def test_an_entry_larger_than_a_segment_has_one_of_its_own(tmp_path):
    folder = tmp_path / "j"
    limits = JournalLimits(max_bytes=8000, segment_bytes=1000, min_free_bytes=0)
    receipts = filled(folder, 12, limits)
    assert receipts[-1].sequence == stored_lines(folder)[-1]["sequence"]
    check_whole(folder, receipts[-1:])
    assert total(folder) <= limits.max_bytes


@given(
    sizes=st.lists(st.integers(0, 5000), max_size=30),
    max_bytes=st.integers(1, 100_000),
    segment_bytes=st.integers(1, 20_000),
)
def test_what_stays_leaves_room_for_two_segments_and_no_more_goes_than_has_to(
    sizes, max_bytes, segment_bytes
):
    limits = JournalLimits(max_bytes=max_bytes, segment_bytes=segment_bytes)
    pieces = [Piece(each, 0) for each in sizes]
    count = count_removable(pieces, 0, limits)
    room = max_bytes - 2 * limits.roll_bytes
    assert sum(sizes[count:]) <= max(0, room)
    if count:
        assert sum(sizes[count - 1 :]) > room


def test_entries_over_the_age_go(tmp_path):
    folder = tmp_path / "j"
    with Journal(folder, THIRTY_DAYS) as journal:
        for day in range(100):
            journal.append(at(day))
    found = check_whole(folder)
    days = [
        (each["time_ns"] - YEAR_2026_NS) / DAY_NS
        for each in stored_lines(folder)
        if each["kind"] == "answer"
    ]
    # A segment spans an eighth of the bound, and goes as a whole.
    assert 99 - 30 - 2 * 30 / 8 <= min(days) <= 99 - 30
    assert max(days) == 99
    assert any("removed by the bounds" in each for each in found.notes)


def test_the_newest_segment_stays_however_old_it_is(tmp_path):
    folder = tmp_path / "j"
    filled(folder, 0)
    with Journal(folder, THIRTY_DAYS) as journal:
        first = journal.append(at(0))
        check_whole(folder, [first])
        second = journal.append(at(4000))
        assert check_whole(folder, [second]).first_sequence > first.sequence


def test_nothing_goes_when_the_clock_leaps_out_of_1970(tmp_path):
    """A board without a battery-backed clock hears of the time an hour after its start."""
    folder = tmp_path / "j"
    with Journal(folder, THIRTY_DAYS) as journal:
        receipts = [journal.append(at(hour / 24, wall_ns=0)) for hour in range(24)]
        receipts += [journal.append(at(hour / 24, wall_ns=YEAR_2026_NS)) for hour in range(24, 48)]
    assert len(segments(folder)) > 3
    assert not any("removed" in each for each in check_whole(folder, receipts).notes)


def test_nothing_goes_when_a_board_starts_in_1970_and_the_next_time_in_this_century(tmp_path):
    folder = tmp_path / "j"
    receipts = []
    for start in range(30):
        wall_ns = 0 if start % 2 == 0 else YEAR_2026_NS
        with Journal(folder, THIRTY_DAYS) as journal:
            receipts.append(journal.append(at(start, boot=f"b{start}", wall_ns=wall_ns)))
    check_whole(folder, receipts)


def test_a_clock_that_is_wrong_by_decades_at_one_start_counts_for_a_week(tmp_path):
    folder = tmp_path / "j"
    with Journal(folder, THIRTY_DAYS) as journal:
        receipts = [journal.append(at(0, boot="b0")) for _ in range(10)]
    with Journal(folder, THIRTY_DAYS) as journal:
        receipts += [journal.append(at(20_000, boot="b1", running_days=0)) for _ in range(10)]
    check_whole(folder, receipts)


def test_a_kiosk_that_is_switched_off_every_night_ages_day_by_day(tmp_path):
    folder = tmp_path / "j"
    for day in range(90):
        with Journal(folder, THIRTY_DAYS) as journal:
            journal.append(at(day, boot=f"b{day}", running_days=0))
            journal.append(at(day + 0.4, boot=f"b{day}", running_days=0.4))
    days = [
        (each["time_ns"] - YEAR_2026_NS) / DAY_NS
        for each in stored_lines(folder)
        if each["kind"] == "answer"
    ]
    assert 90 - 30 - 10 <= min(days) <= 90 - 30 + 1


MOMENTS = st.builds(
    Moment,
    time_ns=st.integers(-(1 << 62), 1 << 62),
    boot_id=st.sampled_from(["a", "b", "c"]),
    monotonic_ns=st.integers(0, 1 << 50),
)


@given(st.lists(MOMENTS, min_size=1, max_size=20))
def test_counted_time_never_runs_backward_nor_ahead_of_what_can_have_passed(moments):
    clock = ElapsedClock(moments[0])
    for before, moment in itertools.pairwise(moments):
        later = clock.advanced(moment)
        step = later.elapsed_ns - clock.elapsed_ns
        assert step >= 0
        if before.boot_id == moment.boot_id:
            assert step <= moment.monotonic_ns
        else:
            assert step <= 7 * DAY_NS
            assert step == 0 or step <= moment.time_ns - clock.at.time_ns
        clock = later


def test_within_one_start_of_the_machine_only_its_monotonic_clock_counts():
    clock = ElapsedClock(Moment(0, "a", 100))
    for time_ns, monotonic_ns in [(1 << 60, 150), (0, 120), (1 << 61, 130), (5, 200)]:
        clock = clock.advanced(Moment(time_ns, "a", monotonic_ns))
    assert clock.elapsed_ns == 100


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(JournalLimits)])
def test_every_limit_has_a_default(name):
    assert hasattr(JournalLimits(), name)
