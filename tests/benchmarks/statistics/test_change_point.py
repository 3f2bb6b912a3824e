"""A change of level is found where it is, and noise is none."""

import numpy as np
import pytest

from benchmarks.statistics.change_point import find_change_points, pettitt_test
from benchmarks.statistics.drift import relative_drift
from benchmarks.statistics.relative_series import relative_to_inputs


def noise(count: int, seed: int = 3) -> np.ndarray:
    """Latencies of a quiet machine: 20 ms, a skewed tail of some per cent."""
    return 20.0 + np.random.default_rng(seed).gamma(2.0, 0.2, count)


def test_pettitts_test_by_hand() -> None:
    """Six values that rise once: U is 9 after the third, p = 2 exp(-6 * 81 / (216 + 36))."""
    place, probability = pettitt_test(np.array([1.0, 2.0, 3.0, 11.0, 12.0, 13.0]))
    assert place == 3
    assert probability == pytest.approx(2 * np.exp(-6 * 81 / 252))


def test_a_step_is_found_where_it_is() -> None:
    series = noise(600)
    series[400:] *= 1.2
    (change,) = find_change_points(series)
    assert abs(change.index - 400) <= 3
    assert change.size == pytest.approx(0.2, abs=0.02)


def test_a_burst_in_the_middle_is_two_changes() -> None:
    series = noise(900)
    series[300:500] *= 1.3
    up, down = find_change_points(series)
    assert abs(up.index - 300) <= 3
    assert abs(down.index - 500) <= 3
    assert up.size > 0 > down.size


def test_a_sure_step_that_is_small_is_none() -> None:
    series = noise(4000)
    series[2000:] *= 1.02
    assert pettitt_test(series)[1] < 1e-6
    assert find_change_points(series) == ()


def test_noise_is_no_change() -> None:
    assert all(find_change_points(noise(500, seed)) == () for seed in range(50))


@pytest.mark.parametrize("count", [0, 1, 5, 19])
def test_a_short_series_is_not_split(count: int) -> None:
    assert find_change_points(np.arange(count) + 1.0) == ()


def test_equal_values_have_no_change() -> None:
    assert find_change_points(np.full(100, 7.0)) == ()


def test_drift_is_the_change_from_the_first_third_to_the_last() -> None:
    assert relative_drift(np.linspace(10.0, 16.0, 301)) == pytest.approx(15.01 / 10.99 - 1)
    assert relative_drift(np.full(10, 3.0)) == 0.0
    with pytest.raises(ValueError, match="empty series"):
        relative_drift(np.array([]))


def test_inputs_of_unlike_size_make_one_level_series() -> None:
    inputs = np.array([0, 1, 0, 1, 0, 1])
    latencies = np.array([10, 40, 10, 40, 11, 44])
    assert relative_to_inputs(latencies, inputs).tolist() == [1.0, 1.0, 1.0, 1.0, 1.1, 1.1]
