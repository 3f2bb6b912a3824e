"""A percentile is given only with enough samples, and its interval covers the true value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.latency_summary import percentile, samples_needed


@pytest.mark.parametrize(
    ("quantile", "expected"),
    [
        # n samples enclose the median unless all lie on one side: 2 * 0.5**n <= 0.05.
        pytest.param(0.5, 6, id="p50"),
        # Both order statistics exist once 0.9**n <= 0.025.
        pytest.param(0.9, 36, id="p90"),
        pytest.param(0.99, 368, id="p99"),
    ],
)
def test_a_percentile_needs_as_many_samples_as_its_interval(quantile: float, expected: int) -> None:
    assert samples_needed(quantile) == expected
    assert percentile([1.0] * (expected - 1), quantile) is None
    assert percentile([1.0] * expected, quantile) is not None


@pytest.mark.parametrize(
    ("quantile", "count"),
    [pytest.param(0.5, 40, id="p50"), pytest.param(0.9, 100, id="p90")],
)
def test_the_interval_covers_the_true_percentile_as_often_as_it_says(
    quantile: float, count: int
) -> None:
    random = np.random.default_rng(7)
    truth = -np.log(1 - quantile)
    covered = 0
    for _ in range(2000):
        found = percentile(random.exponential(size=count).tolist(), quantile)
        assert found is not None
        covered += found.low <= truth <= found.high
    # 95 % is promised at least; three standard errors of 2000 trials are 1.5 %.
    assert covered / 2000 >= 0.935


@given(
    st.lists(st.integers(min_value=0, max_value=10**12), min_size=6, max_size=200),
    st.sampled_from([0.5, 0.9, 0.99]),
)
def test_value_and_interval_are_samples_in_order(samples: list[int], quantile: float) -> None:
    found = percentile(samples, quantile)
    if found is not None:
        assert {found.low, found.value, found.high} <= set(samples)
        assert found.low <= found.value <= found.high
