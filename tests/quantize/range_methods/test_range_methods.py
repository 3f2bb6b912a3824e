"""What every range method promises, and what each is for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from value_histograms import DISTRIBUTIONS, histogram_of, value_arrays

from quantize.range_methods.entropy import divergence, least_divergence_range
from quantize.range_methods.mean_squared_error import least_error_range
from quantize.range_methods.minimum_maximum import full_range
from quantize.range_methods.moving_average import averaged_range, moved
from quantize.range_methods.output_headroom import range_with_headroom
from quantize.range_methods.percentile import percentile_range

METHODS = {
    "minmax": full_range,
    "moving average": lambda seen: averaged_range(seen, -0.5, 0.25),
    "percentile": lambda seen: percentile_range(seen, percentile=99.0),
    "entropy": least_divergence_range,
    "mse": least_error_range,
}


@pytest.mark.parametrize("name", METHODS)
@given(values=value_arrays)
def test_a_range_holds_zero_and_lies_within_what_was_seen(name: str, values: np.ndarray) -> None:
    low, high = METHODS[name](histogram_of(values))
    assert min(0.0, values.min()) <= low <= 0.0 <= high <= max(0.0, values.max())
    assert low < high or not values.any()


@pytest.mark.parametrize("name", METHODS)
@given(values=value_arrays, exponent=st.integers(-20, 20))
def test_a_range_scales_with_the_values(name: str, values: np.ndarray, exponent: int) -> None:
    """Values twice as large have a range twice as large: no method knows of units."""
    factor = 2.0**exponent
    values = values[np.abs(values) > 1e-10] if (np.abs(values) > 1e-10).any() else np.ones(3)
    methods = {**METHODS, "moving average": full_range}
    low, high = methods[name](histogram_of(values))
    scaled = methods[name](histogram_of(values * factor))
    assert scaled == pytest.approx((low * factor, high * factor), rel=1e-6, abs=0.0)


@given(value_arrays)
def test_minmax_is_exact(values: np.ndarray) -> None:
    assert full_range(histogram_of(values)) == (min(0.0, values.min()), max(0.0, values.max()))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=100))
def test_the_average_of_up_to_100_examples_is_their_mean(extremes: list[float]) -> None:
    average = 0.0
    for count, each in enumerate(extremes, start=1):
        average = moved(average, each, count=count)
    assert average == pytest.approx(np.mean(extremes), abs=1e-9)


def test_the_average_forgets_after_100_examples() -> None:
    average = 0.0
    for count in range(1, 101):
        average = moved(average, 0.0, count=count)
    for count in range(101, 1001):
        average = moved(average, 1.0, count=count)
    assert average == pytest.approx(1.0 - 0.99**900)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("percentile", [99.9, 99.0, 90.0])
def test_a_percentile_leaves_out_its_share(name: str, percentile: float) -> None:
    values = DISTRIBUTIONS[name](np.random.default_rng(5)).astype(np.float32)
    low, high = percentile_range(histogram_of(values), percentile=percentile)
    outside = ((values < low) | (values > high)).mean()
    assert outside <= (1 - percentile / 100) * 1.1 + 2 / len(values)
    if name == "normal":
        assert outside == pytest.approx(1 - percentile / 100, rel=0.1)


@given(value_arrays)
def test_a_percentile_of_100_is_minmax(values: np.ndarray) -> None:
    histogram = histogram_of(values)
    assert percentile_range(histogram, percentile=100.0) == full_range(histogram)


def test_a_percentile_takes_from_each_end_alone() -> None:
    values = np.append(np.linspace(0.001, 1, 10_000), np.linspace(-0.1, -0.001, 10_000))
    low, high = percentile_range(histogram_of(values.astype(np.float32)), percentile=99.0)
    assert low == pytest.approx(-0.099, abs=0.001)
    assert high == pytest.approx(0.99, abs=0.01)


def test_entropy_clips_a_far_outlier_on_its_own_side_only() -> None:
    values = np.append(np.random.default_rng(0).normal(0, 1, 200_000), [60.0])
    low, high = least_divergence_range(histogram_of(values.astype(np.float32)))
    assert 2.0 < high < 20.0
    assert low < -2.0


def test_entropy_keeps_values_that_fill_their_range_evenly() -> None:
    values = np.random.default_rng(0).uniform(-1, 3, 200_000).astype(np.float32)
    assert least_divergence_range(histogram_of(values)) == pytest.approx((-1, 3), rel=0.06)


def test_a_distribution_of_256_even_levels_is_told_apart_by_nothing() -> None:
    assert divergence(np.ones(2048), 0, 2048) == pytest.approx(0.0, abs=1e-9)


@given(st.integers(0, 700), st.integers(1300, 2048))
def test_a_divergence_is_never_below_zero(first: int, last: int) -> None:
    counts = np.random.default_rng(first + last).poisson(3, 2048).astype(np.float64)
    assert divergence(counts, first, last) >= -1e-9


def test_mse_clips_what_costs_less_than_it_coarsens() -> None:
    values = np.append(np.random.default_rng(0).normal(0, 0.01, 1_000_000), [5.0])
    low, high = least_error_range(histogram_of(values.astype(np.float32)))
    assert high < 5.0
    assert low > -0.06


def test_headroom_reaches_where_the_greatest_of_a_thousand_is_expected() -> None:
    """The extremes of 64 examples are stretched to about those of 1000."""
    random = np.random.default_rng(0)
    reached, expected = [], []
    for _ in range(200):
        greatest = random.normal(5, 1, 64)
        seen = histogram_of(np.array([greatest.max()], np.float32))
        reached.append(range_with_headroom(seen, 0.0, greatest.mean(), examples=64)[1])
        expected.append(random.normal(5, 1, 1000).max())
    assert np.mean(reached) == pytest.approx(np.mean(expected), rel=0.03)


@given(value_arrays, st.floats(0, 1), st.floats(0, 1), st.integers(1, 5000))
def test_headroom_holds_what_was_seen_and_a_quarter_more_at_most(
    values: np.ndarray, low_share: float, high_share: float, examples: int
) -> None:
    low, high = full_range(histogram_of(values))
    found = range_with_headroom(
        histogram_of(values), low_share * low, high_share * high, examples=examples
    )
    assert 1.25 * low <= found[0] <= low <= 0 <= high <= found[1] <= 1.25 * high
    if examples >= 1000:
        assert found == (low, high)
