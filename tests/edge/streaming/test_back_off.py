"""Waits between attempts: random, within bounds, and never hopeless."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.streaming.back_off import BackOff

SECONDS = st.floats(min_value=1e-6, max_value=1e6)


@given(
    bounds=st.tuples(SECONDS, SECONDS).map(sorted),
    failures=st.integers(min_value=1, max_value=10**9),
    seed=st.integers(),
)
def test_a_wait_is_never_negative_nor_above_the_cap(
    bounds: list[float], failures: int, seed: int
) -> None:
    back_off = BackOff(*bounds)
    most_s = back_off.most_s(failures)
    assert back_off.first_s <= most_s <= back_off.cap_s
    assert most_s <= back_off.most_s(failures + 1) <= 2 * most_s
    assert 0 <= back_off.wait_s(failures, random.Random(seed)) <= most_s  # noqa: S311 - jitter


def test_many_failures_reach_the_cap_and_devices_do_not_wait_alike() -> None:
    back_off = BackOff()
    assert back_off.most_s(100) == back_off.cap_s
    waits = {back_off.wait_s(100, random.Random(seed)) for seed in range(50)}  # noqa: S311 - jitter
    assert len(waits) == 50
    assert min(waits) < back_off.cap_s / 4 < 3 * back_off.cap_s / 4 < max(waits)


@pytest.mark.parametrize(
    ("first_s", "cap_s"),
    [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, float("inf")), (float("nan"), 1.0)],
)
def test_waits_that_mean_nothing_are_wrong_use(first_s: float, cap_s: float) -> None:
    with pytest.raises(UsageError, match="positive seconds"):
        BackOff(first_s, cap_s)
