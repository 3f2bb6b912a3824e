"""Wilson's interval and McNemar's test, against published figures and their definitions."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantize.evaluation.proportion import mcnemar_p_value, wilson_interval

# Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
PUBLISHED = [
    pytest.param(81, 263, (0.2553, 0.3662), id="81 of 263"),
    pytest.param(15, 148, (0.0624, 0.1605), id="15 of 148"),
    pytest.param(0, 20, (0.0, 0.1611), id="0 of 20"),
    pytest.param(1, 29, (0.0061, 0.1718), id="1 of 29"),
]


@pytest.mark.parametrize(("successes", "total", "bounds"), PUBLISHED)
def test_published_intervals(successes, total, bounds) -> None:
    assert wilson_interval(successes, total) == pytest.approx(bounds, abs=5e-5)


@settings(max_examples=40)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_share_and_stays_in_0_to_1(sample) -> None:
    successes, total = sample
    low, high = wilson_interval(successes, total)
    assert 0 <= low <= successes / total <= high <= 1


@settings(max_examples=40)
@given(st.integers(0, 60), st.integers(0, 60))
def test_a_p_value_is_twice_the_tail_of_fair_coins(lost, won) -> None:
    total = lost + won
    tail = sum(Fraction(comb(total, k), 2**total) for k in range(min(lost, won) + 1))
    assert mcnemar_p_value(lost, won) == pytest.approx(float(min(Fraction(1), 2 * tail)))


def test_many_changes_are_no_overflow() -> None:
    assert mcnemar_p_value(3000, 3000) == 1.0
    assert mcnemar_p_value(0, 4000) == 0.0
