"""What goes wrong with a fake camera, and when."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError, InputNotFoundError
from edge.sources.fault_script import FaultSchedule, FaultScript, parse_fault_script, read_faults

S = 1_000_000_000
KINDS = ["lost", "hang", "frozen", "torn", "black", "saturated", "slow", "stale"]


def script(*faults: tuple[float, float, str], **more: Any) -> bytes:
    entries = [{"at_s": at, "for_s": length, "fault": kind} for at, length, kind in faults]
    return json.dumps({"faults": entries, **more}).encode()


def find(schedule: FaultSchedule, at_s: float, origin_ns: int = 0) -> str:
    found = schedule.find(origin_ns + round(at_s * S))
    return "" if found is None else found[0].fault


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_lasts_from_its_beginning_to_its_end(kind: str) -> None:
    schedule = FaultSchedule(parse_fault_script(script((5, 2, kind)), shown="a"), 0)
    assert [find(schedule, at) for at in (0, 4.99, 5, 6.99, 7, 100)] == ["", "", kind, kind, "", ""]


def test_how_long_a_fault_goes_on_is_told() -> None:
    schedule = FaultSchedule(parse_fault_script(script((5, 2, "hang")), shown="a"), 3 * S)
    found = schedule.find(9 * S)
    assert found is not None
    assert found[1] == pytest.approx(1.0)


def test_a_script_repeats_and_does_nothing_before_its_origin() -> None:
    data = script((1, 1, "black"), (3, 1, "torn"), repeat_s=4)
    schedule = FaultSchedule(parse_fault_script(data, shown="a"), 100 * S)
    seen = [find(schedule, at, 100 * S) for at in (-2.5, 0, 1.5, 3.5, 4.5, 5.5, 401.5)]
    assert seen == ["", "", "black", "torn", "", "black", "black"]


def test_with_an_origin_the_clock_is_that_of_the_machine(tmp_path: Path) -> None:
    """So that a process that is killed and started anew goes on with the script."""
    path = tmp_path / "a.json"
    path.write_bytes(script((10, 5, "lost"), origin_monotonic_ns=7 * S))
    assert find(read_faults(str(path)), 18) == "lost"
    assert find(read_faults(str(path)), 23) == ""


def test_without_one_it_begins_when_a_process_first_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(script((0, 1e6, "lost")))
    before_ns = time.monotonic_ns()
    first = read_faults(str(path))
    after_ns = time.monotonic_ns()
    second = read_faults(str(path))
    assert before_ns <= first._origin_ns <= after_ns
    assert second._origin_ns == first._origin_ns


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no fault script"),
        (b"\xff", "is no fault script"),
        (b"[]", "is no fault script"),
        (b"[" * 100_000, "is no fault script"),
        (b'{"faults": [], "extra": 1}', "unknown field"),
        (b'{"faults": [{"at_s": 1, "for_s": 1, "fault": "late"}]}', r"Invalid enum value 'late'"),
        (b'{"faults": [{"at_s": true, "for_s": 1, "fault": "lost"}]}', r"faults\[0\]\.at_s"),
        (b'{"faults": [{"at_s": 1e999, "for_s": 1, "fault": "lost"}]}', "out of range|from 0 on"),
        (b'{"faults": [], "origin_monotonic_ns": 1.5}', "origin_monotonic_ns"),
        (script((-1, 1, "lost")), r"faults\[0\]\.at_s is -1; make it a number from 0 on"),
        (script((1, 0, "lost")), r"faults\[0\]\.for_s is 0"),
        (script((1, 2, "lost"), (2, 1, "torn")), r"faults\[1\] begins at 2 s and .* ends at 3 s"),
        (script((1, 2, "lost"), repeat_s=2), "repeat_s is 2 and the last fault ends at 3 s"),
        (script(repeat_s=0), "repeat_s is 0"),
    ],
)
def test_what_is_no_script_is_refused_on_one_line(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        parse_fault_script(data, shown="a.json")
    assert str(caught.value).startswith("a.json: ")
    assert str(caught.value).isprintable()


def test_a_script_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"none\.json: no such file"):
        read_faults(str(tmp_path / "none.json"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_script_or_an_input_error(data: bytes) -> None:
    try:
        parsed = parse_fault_script(data, shown="a")
    except InputError as error:
        message = str(error)
        assert message.isprintable()
    else:
        assert isinstance(parsed, FaultScript)


NUMBERS = st.floats() | st.integers() | st.none() | st.booleans() | st.text(max_size=3)
ENTRIES = st.fixed_dictionaries(
    {"at_s": NUMBERS, "for_s": NUMBERS, "fault": st.sampled_from([*KINDS, "late"])},
    optional={"interval_s": NUMBERS, "age_s": NUMBERS, "other": NUMBERS},
)


@given(
    st.fixed_dictionaries(
        {"faults": st.lists(ENTRIES, max_size=4)},
        optional={"repeat_s": NUMBERS, "origin_monotonic_ns": NUMBERS},
    ),
    st.lists(st.integers(0, 10**15), max_size=5),
)
def test_any_script_is_refused_or_tells_at_each_moment_one_fault_that_is_not_over(
    content: dict[str, Any], moments: list[int]
) -> None:
    try:
        parsed = parse_fault_script(json.dumps(content).encode(), shown="a")
    except InputError:
        return
    schedule = FaultSchedule(parsed, 0)
    for moment in moments:
        found = schedule.find(moment)
        if found is not None:
            fault, left_s = found
            assert fault in parsed.faults
            assert 0 < left_s <= fault.for_s * (1 + 1e-9) + 1e-3
            assert math.isfinite(left_s)
