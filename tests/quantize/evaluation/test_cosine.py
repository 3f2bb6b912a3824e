"""The angle between what varies, streamed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantize.evaluation.cosine import CentredCosine


def streamed(first: np.ndarray, second: np.ndarray) -> float:
    meter = CentredCosine()
    for one, other in zip(first, second, strict=True):
        meter.update(one, other)
    return meter.value()


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.floats(-100, 100))
def test_streamed_it_is_that_of_the_whole(seed: int, count: int, offset: float) -> None:
    random = np.random.default_rng(seed)
    first = random.normal(offset, 1, (count, 3))
    second = first + random.normal(0, 0.5, first.shape)
    one, other = first - first.mean(axis=0), second - second.mean(axis=0)
    wanted = (one * other).sum() / np.sqrt(np.square(one).sum() * np.square(other).sum())
    assert streamed(first, second) == pytest.approx(wanted, abs=1e-9)


def test_a_constant_part_does_not_count() -> None:
    values = np.random.default_rng(0).normal(size=(9, 4))
    assert streamed(values, 3.0 * values + 50.0) == pytest.approx(1.0)
    assert streamed(values, 50.0 - values) == pytest.approx(-1.0)


def test_equal_tensors_have_1_and_a_constant_beside_another_0() -> None:
    constant, values = np.full((5, 2), 0.1), np.random.default_rng(0).normal(size=(5, 2))
    assert streamed(constant, constant) == 1.0
    assert streamed(values, values) == 1.0
    assert streamed(constant, constant + 1.0) == 0.0
    assert streamed(values, constant) == 0.0
