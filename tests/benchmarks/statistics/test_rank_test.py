"""The rank test against values worked out by hand and against its own promise."""

import numpy as np
import pytest

from benchmarks.statistics.rank_test import mid_ranks, rank_test


def test_equal_values_share_their_ranks() -> None:
    assert mid_ranks(np.array([7, 3, 7, 1])).tolist() == [3.5, 2.0, 3.5, 1.0]


def test_the_test_by_hand() -> None:
    """All of five above all of five: U = 25, z = (12.5 - 0.5) / sqrt(25 * 11 / 12)."""
    found = rank_test(np.arange(5), np.arange(5, 10))
    assert found.superiority == 1.0
    assert found.probability == pytest.approx(0.01219, abs=1e-5)


def test_series_that_are_the_same_are_not_told_apart() -> None:
    same = np.full(20, 5)
    found = rank_test(same, same)
    assert (found.superiority, found.probability) == (0.5, 1.0)


def test_turned_round_it_says_the_opposite() -> None:
    random = np.random.default_rng(5)
    first, second = random.normal(size=40), random.normal(0.5, size=60)
    there, back = rank_test(first, second), rank_test(second, first)
    assert there.superiority == pytest.approx(1.0 - back.superiority)
    assert there.probability == pytest.approx(back.probability)


def test_like_series_are_called_unlike_as_seldom_as_promised() -> None:
    random = np.random.default_rng(11)
    wrong = sum(
        rank_test(random.exponential(size=30), random.exponential(size=30)).probability < 0.05
        for _ in range(1000)
    )
    assert wrong <= 70


def test_nothing_cannot_be_tested() -> None:
    with pytest.raises(ValueError, match="0 and 3 values"):
        rank_test(np.array([]), np.arange(3))
