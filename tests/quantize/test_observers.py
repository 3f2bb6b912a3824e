"""Observers see a stream and keep a fixed amount."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantize.clip_search import search_range, squared_error
from quantize.observers import BINS, HistogramObserver, MinMaxObserver
from quantize.uniform import activation_params, dequantize, quantize_activation

arrays = hnp.arrays(
    np.float32,
    hnp.array_shapes(max_dims=3, max_side=8),
    elements=st.floats(-1000, 1000, width=32),
)


@given(st.lists(arrays, min_size=1, max_size=5))
def test_min_max_of_a_stream_is_that_of_the_whole(stream: list[np.ndarray]) -> None:
    observer = MinMaxObserver()
    for each in stream:
        observer.update(each)
    whole = np.concatenate([each.reshape(-1) for each in stream])
    assert (observer.low, observer.high) == (whole.min(), whole.max())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        MinMaxObserver().update(np.array([1.0, value], np.float32))


@given(st.lists(arrays, min_size=1, max_size=5))
def test_a_histogram_counts_every_value_once(stream: list[np.ndarray]) -> None:
    whole = np.concatenate([each.reshape(-1) for each in stream])
    observer = HistogramObserver(float(whole.min()), float(whole.max()))
    for each in stream:
        observer.update(each)
    found = observer.histogram
    assert int(found.counts.sum()) + found.zeros == whole.size
    assert found.zeros == int((whole == 0).sum())


@given(arrays)
def test_a_value_counts_in_the_bin_that_holds_it(values: np.ndarray) -> None:
    observer = HistogramObserver(float(values.min()), float(values.max()))
    observer.update(values)
    found = observer.histogram
    nonzero = values[values != 0].astype(np.float64)
    width = found.edges[1] - found.edges[0]
    filled = np.flatnonzero(found.counts)
    for value in nonzero:
        distance = np.abs((found.edges[filled] + found.edges[filled + 1]) / 2 - value)
        assert distance.min() <= 0.501 * width + 1e-4 * abs(value)


def test_an_observer_does_not_grow_with_what_it_sees() -> None:
    observer = HistogramObserver(-1.0, 1.0)
    random = np.random.default_rng(0)
    observer.update(random.uniform(-1, 1, 10))
    before = sys.getsizeof(observer) + observer.histogram.counts.nbytes
    for _ in range(100):
        observer.update(random.uniform(-1, 1, 1000))
    assert sys.getsizeof(observer) + observer.histogram.counts.nbytes == before
    assert len(observer.histogram.counts) == BINS


def _histogram(values: np.ndarray):
    observer = HistogramObserver(float(values.min()), float(values.max()))
    observer.update(values.astype(np.float32))
    return observer.histogram


def _real_error(values: np.ndarray, low: float, high: float) -> float:
    params = activation_params(low, high)
    steps = quantize_activation(values.astype(np.float32), params)
    back = dequantize(steps, scale=params.scale, zero_point=params.zero_point)
    return float(np.square(back.astype(np.float64) - values).sum())


DISTRIBUTIONS = {
    "normal": lambda random: random.normal(0, 1, 40_000),
    "relu of normal": lambda random: np.maximum(random.normal(0, 1, 40_000), 0),
    "heavy tails": lambda random: random.laplace(0, 1, 40_000),
    "one outlier": lambda random: np.append(random.normal(0, 1, 40_000), 60.0),
    "narrow beside a spike": lambda random: np.append(random.normal(0, 0.01, 40_000), [5.0] * 50),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("fraction", [1.0, 0.6, 0.3])
def test_the_expected_error_of_a_range_is_the_real_one(name: str, fraction: float) -> None:
    values = DISTRIBUTIONS[name](np.random.default_rng(7))
    low, high = fraction * values.min(), fraction * values.max()
    expected = squared_error(_histogram(values), activation_params(low, high))
    assert expected == pytest.approx(_real_error(values, low, high), rel=0.05)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_range_found_loses_no_more_than_the_best_of_a_fine_grid(name: str) -> None:
    values = DISTRIBUTIONS[name](np.random.default_rng(3))
    found = _real_error(values, *search_range(_histogram(values)))
    grid = [
        _real_error(values, fraction * values.min(), fraction * values.max())
        for fraction in np.linspace(0.02, 1.0, 50)
    ]
    assert found <= 1.05 * min(grid)


def test_a_range_found_lies_within_what_was_seen_and_holds_zero() -> None:
    for seed in range(5):
        values = np.random.default_rng(seed).normal(seed - 2, 1, 1000)
        low, high = search_range(_histogram(values))
        assert min(values.min(), 0) - 1e-6 <= low <= 0 <= high <= max(values.max(), 0) + 1e-6


def test_a_tensor_of_zeros_keeps_its_range() -> None:
    observer = HistogramObserver(0.0, 0.0)
    observer.update(np.zeros((2, 3), np.float32))
    assert search_range(observer.histogram) == (0.0, 1.0)
