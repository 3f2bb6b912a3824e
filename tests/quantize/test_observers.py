"""Observers see a stream and keep a fixed amount."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantize.observers import BINS, OctaveHistogram, finite_extremes

_MOST = float(np.finfo(np.float32).max)

arrays = hnp.arrays(
    np.float32,
    hnp.array_shapes(max_dims=1, max_side=40),
    elements=st.floats(-1000, 1000, width=32) | st.floats(-_MOST, _MOST, width=32),
)
streams = st.lists(arrays, min_size=1, max_size=5)


def observed(stream: list[np.ndarray]) -> OctaveHistogram:
    found = OctaveHistogram()
    for each in stream:
        found.update(each, low=float(each.min()), high=float(each.max()))
    return found


def same(first: OctaveHistogram, second: OctaveHistogram) -> bool:
    return (
        first.top == second.top
        and first.zeros == second.zeros
        and bool((first.positive == second.positive).all())
        and bool((first.negative == second.negative).all())
    )


def ends(values: np.ndarray) -> tuple[float, float]:
    return min(0.0, float(values.min())), max(0.0, float(values.max()))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        finite_extremes(np.array([1.0, value], np.float32))


@given(streams)
def test_where_a_stream_is_cut_does_not_matter(stream: list[np.ndarray]) -> None:
    assert same(observed(stream), observed([np.concatenate(stream)]))


@given(st.lists(arrays, min_size=2, max_size=4))
def test_the_order_of_a_stream_does_not_matter(stream: list[np.ndarray]) -> None:
    first = observed(stream)
    assert all(same(first, observed(list(each))) for each in itertools.permutations(stream))


@given(streams, streams)
def test_merging_counts_as_seeing_both(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    merged = observed(first)
    merged.merge(observed(second))
    assert same(merged, observed([*first, *second]))


@given(streams, st.integers(1, 5))
def test_a_weight_counts_each_value_so_often(stream: list[np.ndarray], weight: int) -> None:
    weighted = OctaveHistogram()
    weighted.merge(observed(stream), weight=weight)
    assert same(weighted, observed(stream * weight))


@given(streams)
def test_a_view_counts_every_value_once_between_the_exact_extremes(
    stream: list[np.ndarray],
) -> None:
    whole = np.concatenate(stream)
    view = observed(stream).view(*ends(whole))
    assert view.total == whole.size
    assert view.zeros == int((whole == 0).sum())
    assert (view.edges[0], view.edges[-1]) == ends(whole)
    assert len(view.edges) == len(view.counts) + 1
    assert (np.diff(view.edges) > 0).all()
    assert (view.counts >= 0).all()


@given(arrays)
def test_a_value_counts_in_the_bin_that_holds_it(values: np.ndarray) -> None:
    view = observed([values]).view(*ends(values))
    for value in values[values != 0].astype(np.float64):
        holding = (view.edges[:-1] <= value) & (value <= view.edges[1:])
        assert view.counts[holding].sum() > 0


def test_a_bin_is_no_wider_than_a_128th_of_its_values() -> None:
    values = np.geomspace(1e-3, 1e3, 5000).astype(np.float32)
    view = observed([values]).view(0.0, float(values.max()))
    filled = np.flatnonzero(view.counts)
    widths = np.diff(view.edges)[filled]
    assert (widths <= view.edges[filled] / 128 * 1.0001).all()


def test_a_range_that_grows_keeps_all_but_the_finest_octaves() -> None:
    small, large = np.array([1e-9, 1e-3, 0.5], np.float32), np.array([1000.0], np.float32)
    found = observed([small, large])
    assert found.positive[0] == 1
    assert found.positive[1:].sum() == 3


@given(arrays)
def test_the_variance_is_about_that_of_the_values(values: np.ndarray) -> None:
    bounded = np.clip(values, -1e9, 1e9)
    view = observed([bounded]).view(*ends(bounded))
    exact = bounded.astype(np.float64)
    assert view.variance == pytest.approx(exact.var(), abs=0.02 * np.square(exact).mean() + 1e-30)


def test_strided_values_count_like_contiguous_ones() -> None:
    values = np.random.default_rng(0).normal(0, 1, 1000).astype(np.float32)
    strided, copied = OctaveHistogram(), OctaveHistogram()
    strided.update(values[::7], low=-5.0, high=5.0)
    copied.update(values[::7].copy(), low=-5.0, high=5.0)
    assert same(strided, copied)


def test_an_observer_does_not_grow_with_what_it_sees() -> None:
    random = np.random.default_rng(0)
    found = observed([random.normal(0, 1, 10).astype(np.float32)])
    before = sys.getsizeof(found)
    for scale in np.geomspace(1e-6, 1e6, 50):
        values = (scale * random.normal(0, 1, 100)).astype(np.float32)
        found.update(values, low=float(values.min()), high=float(values.max()))
    assert sys.getsizeof(found) == before
    assert len(found.positive) == len(found.negative) == BINS


def test_a_tensor_of_zeros_has_no_bins() -> None:
    view = observed([np.zeros(6, np.float32)]).view(0.0, 0.0)
    assert (view.zeros, len(view.counts), view.edges.tolist()) == (6, 0, [0.0])
