"""Neighbours that resemble each other are seen."""

import numpy as np
import pytest

from benchmarks.statistics.autocorrelation import effective_count, rank_autocorrelation


def chain(correlation: float, count: int = 5000) -> np.ndarray:
    """A first-order chain of normal values."""
    noise = np.random.default_rng(4).normal(size=count)
    values = np.empty(count)
    values[0] = noise[0]
    for index in range(1, count):
        step = np.sqrt(1 - correlation**2) * noise[index]
        values[index] = correlation * values[index - 1] + step
    return values


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.7])
def test_the_correlation_of_a_chain_is_found(correlation: float) -> None:
    assert rank_autocorrelation(chain(correlation)) == pytest.approx(correlation, abs=0.04)


def test_one_huge_value_does_not_hide_it() -> None:
    series = chain(0.7)
    series[100] = 1e9
    assert rank_autocorrelation(series) == pytest.approx(0.7, abs=0.04)


@pytest.mark.parametrize("series", [[], [1], [1, 2], [5] * 50])
def test_where_nothing_can_be_seen_it_is_zero(series: list[int]) -> None:
    assert rank_autocorrelation(np.array(series)) == 0.0


def test_the_effective_count_is_that_of_the_mean() -> None:
    """The variance of the mean of a chain is that of so many independent values."""
    means = [chain(0.5)[start : start + 100].mean() for start in range(0, 5000, 100)]
    independent = 1.0 / effective_count(100, 0.5)
    assert np.var(means) == pytest.approx(independent, rel=0.35)
    assert effective_count(100, 0.0) == 100
    assert effective_count(100, -0.5) == 100
    assert effective_count(100, 1.0) == 1
