"""Block bootstrap: ratios with intervals that widen where neighbours resemble each other."""

import numpy as np
import pytest

from benchmarks.statistics.bootstrap import block_ratio_of_quantiles


def test_the_ratio_is_the_seconds_over_the_firsts() -> None:
    first = np.arange(1, 101)
    found = block_ratio_of_quantiles(first, 2 * first, 0.5)
    assert found.value == 2.0
    assert found.low < 2.0 < found.high


def test_the_same_seed_gives_the_same_interval() -> None:
    first, second = np.arange(1, 40), np.arange(3, 50)
    found = [block_ratio_of_quantiles(first, second, 0.5, seed=9) for _ in range(2)]
    assert found[0] == found[1]


def test_the_interval_covers_the_true_ratio_of_independent_samples() -> None:
    random = np.random.default_rng(17)
    covered = 0
    for _ in range(150):
        found = block_ratio_of_quantiles(
            random.lognormal(0.0, 0.3, 200), random.lognormal(np.log(1.5), 0.3, 200), 0.5
        )
        covered += found.low <= 1.5 <= found.high
    assert covered >= 0.88 * 150


def test_nothing_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="0 and 2 samples"):
        block_ratio_of_quantiles(np.array([]), np.array([1, 2]), 0.5)
