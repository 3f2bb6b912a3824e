"""Bootstrap intervals: the short way is the long way, and they cover as they promise."""

import numpy as np
import pytest

from benchmarks.statistics.bootstrap import bootstrap_quantile, ratio_of_quantiles


@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_drawing_ranks_is_the_same_as_resampling(quantile: float) -> None:
    random = np.random.default_rng(2)
    samples = random.exponential(size=81)
    short = bootstrap_quantile(samples, quantile, np.random.default_rng(3))
    rank = int(np.ceil(quantile * samples.size)) - 1
    long = np.sort(random.choice(samples, (10_000, samples.size)), axis=1)[:, rank]
    for share in (0.025, 0.25, 0.5, 0.75, 0.975):
        assert np.quantile(short, share) == pytest.approx(np.quantile(long, share), rel=0.06)


def test_the_ratio_is_the_seconds_over_the_firsts() -> None:
    first = np.arange(1, 101)
    found = ratio_of_quantiles(first, 2 * first)
    assert found.value == 2.0
    assert found.low < 2.0 < found.high


def test_the_same_seed_gives_the_same_interval() -> None:
    first, second = np.arange(1, 40), np.arange(3, 50)
    assert ratio_of_quantiles(first, second, seed=9) == ratio_of_quantiles(first, second, seed=9)


def test_the_interval_covers_the_true_ratio() -> None:
    random = np.random.default_rng(17)
    covered = 0
    for _ in range(200):
        found = ratio_of_quantiles(
            random.lognormal(0.0, 0.3, 200), random.lognormal(np.log(1.5), 0.3, 200)
        )
        covered += found.low <= 1.5 <= found.high
    assert covered >= 0.92 * 200


def test_nothing_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="0 and 2 samples"):
        ratio_of_quantiles(np.array([]), np.array([1, 2]))
