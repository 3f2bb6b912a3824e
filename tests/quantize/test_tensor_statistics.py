"""What is kept of an activation is a fair view of all its values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantize.tensor_statistics import TensorStatistics, joint_evidence

shapes = st.lists(st.integers(1, 60), min_size=1, max_size=4).map(tuple)


@given(shapes, st.integers(1, 5000))
def test_a_step_leaves_at_most_what_is_asked_for(shape: tuple, most: int) -> None:
    stride = TensorStatistics(shape, most_values=most).stride
    assert -(-int(np.prod(shape)) // stride) <= most


@given(st.integers(1, 8), st.integers(2, 40), st.integers(2, 40), st.integers(1, 500))
def test_a_step_has_no_factor_in_common_with_a_plane(
    channels: int, height: int, width: int, most: int
) -> None:
    stride = TensorStatistics((1, channels, height, width), most_values=most).stride
    assert np.gcd(stride, height * width) == 1


def test_every_column_of_a_picture_is_seen() -> None:
    found = TensorStatistics((1, 8, 56, 56), most_values=3000)
    seen = np.arange(8 * 56 * 56)[:: found.stride]
    assert set(seen % 56) == set(range(56))
    assert set(seen // 56 % 56) == set(range(56))
    assert set(seen // (56 * 56)) == set(range(8))


def test_extremes_are_those_of_all_values() -> None:
    found = TensorStatistics((1, 100), most_values=10)
    values = np.zeros((1, 100), np.float32)
    values[0, 7], values[0, 13] = -3.0, 8.0
    found.update(values)
    assert (found.low, found.high) == (-3.0, 8.0)


def test_a_value_that_is_not_finite_is_refused_and_not_kept() -> None:
    found = TensorStatistics((2,), most_values=10)
    with pytest.raises(ValueError, match="finite"):
        found.update(np.array([1.0, np.inf], np.float32))
    assert found.examples == 0
    assert found.histogram.positive.sum() == 0


def test_members_of_a_group_count_by_how_many_values_they_have() -> None:
    """A large activation is thinned out, but weighs what all its values weigh."""
    large, small = (TensorStatistics((1, size), most_values=1000) for size in (10_001, 1000))
    large.update(np.full((1, 10_001), 2.0, np.float32))
    small.update(np.full((1, 1000), -1.0, np.float32))
    histogram = joint_evidence([large, small]).histogram
    assert histogram.counts[histogram.edges[1:] <= 0].sum() == 1000
    assert histogram.counts[histogram.edges[:-1] >= 0].sum() == pytest.approx(10_001, rel=0.01)
    assert (histogram.edges[0], histogram.edges[-1]) == (-1.0, 2.0)
