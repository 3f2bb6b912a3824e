"""A queue that grows is told from one that comes and goes."""

import numpy as np
import pytest

from benchmarks.statistics.rising_trend import LEAST_VALUES, rising_probability


def queueing(load: float, queries: int, seed: int) -> np.ndarray:
    """Latencies of M/D/1 with a service time of 1 (Lindley 1952's recursion)."""
    arrivals = np.cumsum(np.random.default_rng(seed).exponential(1 / load, queries))
    ended, latencies = 0.0, []
    for arrival in arrivals:
        ended = max(ended, arrival) + 1.0
        latencies.append(ended - arrival)
    return np.array(latencies)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_a_queue_that_comes_and_goes_is_hardly_ever_called_rising(load: float) -> None:
    called = sum(rising_probability(queueing(load, 300, seed)) < 0.01 for seed in range(200))
    assert called <= 6


def test_a_queue_that_grows_without_end_is_found() -> None:
    found = sum(rising_probability(queueing(1.3, 300, seed)) < 0.01 for seed in range(100))
    assert found == 100


def test_too_few_values_say_nothing() -> None:
    assert rising_probability(np.arange(LEAST_VALUES - 1)) == 1.0
    assert rising_probability(np.arange(LEAST_VALUES)) < 1e-3
    assert rising_probability(-np.arange(LEAST_VALUES)) > 0.999
