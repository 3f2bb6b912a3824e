"""The expected error of a range is the real one, and the range found has the least."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from value_histograms import DISTRIBUTIONS, histogram_of, value_arrays

from quantize.clip_search import expected_error, search_range, squared_error
from quantize.uniform import activation_params, dequantize, quantize_activation


def real_error(values: np.ndarray, low: float, high: float, power: float = 2.0) -> float:
    params = activation_params(low, high)
    steps = quantize_activation(values.astype(np.float32), params)
    back = dequantize(steps, scale=params.scale, zero_point=params.zero_point)
    return float((np.abs(back.astype(np.float64) - values) ** power).sum())


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("fraction", [1.0, 0.6, 0.3])
@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_the_expected_error_of_a_range_is_the_real_one(
    name: str, fraction: float, power: float
) -> None:
    values = DISTRIBUTIONS[name](np.random.default_rng(7)).astype(np.float32)
    low, high = fraction * values.min(), fraction * values.max()
    expected = expected_error(histogram_of(values), activation_params(low, high), power=power)
    assert expected == pytest.approx(real_error(values, low, high, power), rel=0.05)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_range_found_loses_no_more_than_the_best_of_a_fine_grid(name: str) -> None:
    values = DISTRIBUTIONS[name](np.random.default_rng(3)).astype(np.float32)
    found = real_error(values, *search_range(histogram_of(values)))
    grid = [
        real_error(values, fraction * values.min(), fraction * values.max())
        for fraction in np.linspace(0.02, 1.0, 50)
    ]
    assert found <= 1.05 * min(grid)


@given(value_arrays)
def test_no_range_found_loses_more_than_all_that_was_seen(values: np.ndarray) -> None:
    histogram = histogram_of(values)
    low, high = search_range(histogram)
    full = activation_params(histogram.edges[0], histogram.edges[-1])
    assert squared_error(histogram, activation_params(low, high)) <= squared_error(histogram, full)


@given(value_arrays, st.sampled_from([1.0, 2.0, 3.0]))
def test_a_range_found_lies_within_what_was_seen_and_holds_zero(
    values: np.ndarray, power: float
) -> None:
    low, high = search_range(histogram_of(values), power=power)
    assert min(0.0, values.min()) <= low <= 0.0 <= high <= max(0.0, values.max())


def test_a_tensor_of_zeros_keeps_its_range() -> None:
    assert search_range(histogram_of(np.zeros(6, np.float32))) == (0.0, 0.0)
