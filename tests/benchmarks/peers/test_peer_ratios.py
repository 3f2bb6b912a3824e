"""Ratios and slopes with their intervals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.peers.ratios import ratio_of_pairs, sen_slope

positive = st.floats(min_value=1e-3, max_value=1e6)


def test_twice_as_slow_in_every_pair_is_exactly_two() -> None:
    ratio = ratio_of_pairs([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert (ratio.least, ratio.low, ratio.median, ratio.high, ratio.most) == (2.0,) * 5
    assert ratio.pairs == 3


def test_a_disturbance_of_both_sides_of_a_pair_leaves_the_ratio_alone() -> None:
    theirs = [10.0] * 9 + [1000.0]
    assert ratio_of_pairs([1.1 * value for value in theirs], theirs).most == pytest.approx(1.1)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=30))
def test_the_interval_encloses_the_median_and_stays_between_least_and_most(
    pairs: list[tuple[float, float]],
) -> None:
    ratio = ratio_of_pairs([ours for ours, _ in pairs], [theirs for _, theirs in pairs])
    slack = 1e-9 * ratio.most
    assert ratio.least - slack <= ratio.low <= ratio.median + slack
    assert ratio.median - slack <= ratio.high <= ratio.most + slack


def test_the_same_measurements_give_the_same_interval() -> None:
    ours, theirs = [1.0, 1.2, 0.9, 1.4], [1.0, 1.1, 1.0, 1.0]
    assert ratio_of_pairs(ours, theirs) == ratio_of_pairs(ours, theirs)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], [1.0, 2.0])])
def test_what_makes_no_pairs_is_refused(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match="do not make pairs"):
        ratio_of_pairs(ours, theirs)


@settings(deadline=None)
@given(
    st.lists(st.integers(-1000, 1000), min_size=4, max_size=30),
    st.integers(-50, 50),
)
def test_a_trend_added_to_values_is_added_to_their_slope(values: list[int], trend: int) -> None:
    tilted = [value + trend * index for index, value in enumerate(values)]
    plain, found = sen_slope(values), sen_slope(tilted)
    assert found.value == pytest.approx(plain.value + trend)
    assert found.low <= found.value <= found.high


def test_a_single_jump_does_not_tilt_the_slope() -> None:
    assert sen_slope([5.0] * 10 + [900.0] + [5.0] * 10).value == 0.0


def test_three_values_have_no_slope_with_an_interval() -> None:
    with pytest.raises(ValueError, match="give at least 4"):
        sen_slope([1.0, 2.0, 3.0])
