"""Policies: how they are written, and which frames they take."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.streaming.frame_policy import FramePolicy, parse_policy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("newest", FramePolicy("newest")),
        ("every", FramePolicy("every", queue=8)),
        ("every:16", FramePolicy("every", queue=16)),
        ("nth:5", FramePolicy("nth", n=5, queue=1)),
    ],
)
def test_a_policy_is_read(text: str, expected: FramePolicy) -> None:
    assert parse_policy(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "all", "newest:1", "every:0", "every:-1", "every:x", "every:", "nth", "nth:0"),
        *("nth:1.5", "nth:٣", "NEWEST", " newest", "newest\n", "every:99999999999999999999"),
    ],
)
def test_what_is_no_policy_is_wrong_use_with_the_way_out(text: str) -> None:
    with pytest.raises(UsageError, match="write newest, every, every:QUEUE"):
        parse_policy(text)


@given(st.text())
def test_any_text_is_a_policy_or_wrong_use(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_policy(text).most_waiting >= 1


@pytest.mark.parametrize("bad", [{"n": 0}, {"queue": 0}, {"kind": "oldest"}])
def test_a_policy_that_means_nothing_is_wrong_use(bad: dict) -> None:
    with pytest.raises(UsageError):
        FramePolicy(**bad)


@given(
    n=st.integers(1, 20),
    gaps=st.lists(st.integers(1, 50), min_size=1, max_size=100),
)
def test_of_each_n_captured_frames_the_first_that_came_is_taken(n: int, gaps: list[int]) -> None:
    policy = FramePolicy("nth", n=n)
    indices = [sum(gaps[:count]) - gaps[0] for count in range(1, len(gaps) + 1)]
    taken = [
        index
        for index, previous in zip(indices, [-1, *indices], strict=False)
        if policy.takes(index, previous)
    ]
    blocks = [index // n for index in taken]
    assert blocks == sorted({index // n for index in indices})
    assert taken == [min(i for i in indices if i // n == block) for block in blocks]


@given(st.sampled_from(["newest", "every"]), st.integers(0), st.integers(-1))
def test_the_other_policies_leave_no_frame_out(kind: str, index: int, previous: int) -> None:
    assert FramePolicy(kind).takes(index, previous)


@pytest.mark.parametrize(
    ("text", "most"), [("newest", 1), ("every", 8), ("every:3", 3), ("nth:10", 1)]
)
def test_frames_wait_in_a_queue_only_where_every_frame_was_asked_for(text: str, most: int) -> None:
    """Of each ten the newest: one that waited behind others would grow stale."""
    assert parse_policy(text).most_waiting == most
