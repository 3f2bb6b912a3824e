"""Which of a driver's stamps are believed."""

from hypothesis import given
from hypothesis import strategies as st

from edge.sources.driver_clock import DriverClock

S = 1_000_000_000
NOW = 5_000 * S


def test_a_stamp_of_the_last_ten_seconds_is_the_time_of_capture() -> None:
    assert DriverClock().find_capture_ns(NOW - S, NOW) == NOW - S


def test_a_stamp_of_another_clock_is_replaced_by_the_time_of_reading() -> None:
    wall_clock = 1_700_000_000 * S
    clock = DriverClock()
    for stamp in (0, -S, wall_clock, NOW + 1, NOW - 11 * S):
        assert clock.find_capture_ns(stamp, NOW) == NOW


def test_an_old_picture_of_a_clock_that_was_believed_stays_old() -> None:
    """It waited in the driver while the process stood still."""
    clock = DriverClock()
    clock.find_capture_ns(NOW - 1, NOW)
    assert clock.find_capture_ns(NOW + 1, NOW + 60 * S) == NOW + 1


def test_a_stamp_that_stands_still_is_not_believed() -> None:
    clock = DriverClock()
    assert clock.find_capture_ns(3 * S, 4 * S) == 3 * S
    assert clock.find_capture_ns(3 * S, 5 * S) == 5 * S


@given(st.lists(st.tuples(st.integers(), st.integers(0, S)), max_size=20))
def test_a_time_of_capture_is_never_in_the_future(steps: list[tuple[int, int]]) -> None:
    clock, now = DriverClock(), NOW
    for stamp, step in steps:
        now += step
        captured = clock.find_capture_ns(stamp, now)
        assert captured in (stamp, now)
        assert captured <= now
