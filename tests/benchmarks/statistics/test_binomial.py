"""Chances of hits, against sums over all outcomes and published values."""

from itertools import product

import pytest

from benchmarks.statistics.binomial import (
    chance_of_at_least,
    chance_of_at_most,
    trials_without_a_hit,
)


@pytest.mark.parametrize("hits", range(6))
def test_chances_are_those_of_all_outcomes(hits: int) -> None:
    share = 0.3
    at_most = sum(
        share ** sum(outcome) * (1 - share) ** (5 - sum(outcome))
        for outcome in product((0, 1), repeat=5)
        if sum(outcome) <= hits
    )
    assert chance_of_at_most(hits, 5, share) == pytest.approx(at_most)
    assert chance_of_at_least(hits + 1, 5, share) == pytest.approx(1 - at_most, abs=1e-12)


def test_the_smallest_samples_that_show_99_percent_at_95_percent() -> None:
    """Without, with one and with two hits: Wilks 1941's 299, 473 and 628."""
    assert trials_without_a_hit(0.01, 0.05) == 299
    for hits, trials in ((0, 299), (1, 473), (2, 628)):
        assert chance_of_at_most(hits, trials, 0.01) <= 0.05
        assert chance_of_at_most(hits, trials - 1, 0.01) > 0.05


def test_a_million_trials_are_no_trouble() -> None:
    assert chance_of_at_most(10_000, 1_000_000, 0.01) == pytest.approx(0.5, abs=0.01)
    assert chance_of_at_least(0, 1_000_000, 0.01) == 1.0
