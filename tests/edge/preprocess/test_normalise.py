"""The arithmetic from pixel levels to model values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.preprocess.normalise import normalise_levels, quantize_values, to_levels

FLOATS = st.floats(-1e4, 1e4, width=32)
SCALES = st.floats(2.0**-10, 4.0, width=32)


def test_every_depth_has_its_black_and_its_white() -> None:
    for dtype, white in (("uint8", 255), ("uint16", 65_535), ("int32", 1 << 24)):
        levels = to_levels(np.array([0, white], dtype))
        assert levels.dtype == np.float32
        assert levels.tolist() == [0.0, 255.0]


def test_sixteen_bits_hold_every_level_of_eight_exactly() -> None:
    bytes_ = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_levels(bytes_.astype(np.uint16) * 257), to_levels(bytes_))


@given(st.integers(0, 65_535))
def test_sixteen_bits_are_not_rounded_to_levels(value: int) -> None:
    (level,) = to_levels(np.array([value], np.uint16))
    assert level == np.float32(value) / np.float32(257)
    assert level * 257 == pytest.approx(value)


@given(st.integers(0, 255), FLOATS, FLOATS, SCALES)
def test_normalising_is_three_float32_operations(
    level: int, scale: float, mean: float, std: float
) -> None:
    (value,) = normalise_levels(np.array([level], np.float32), scale, mean, std)
    product = np.float32(level) * np.float32(scale)
    assert value == (product - np.float32(mean)) / np.float32(std)
    assert value.dtype == np.float32


@given(FLOATS, SCALES, st.sampled_from(["int8", "uint8"]), st.data())
def test_quantizing_inside_the_range_errs_by_at_most_half_a_step(
    value: float, scale: float, dtype: str, data: st.DataObject
) -> None:
    limits = np.iinfo(dtype)
    zero_point = data.draw(st.integers(int(limits.min), int(limits.max)))
    (quantized,) = quantize_values(np.array([value], np.float32), scale, zero_point, dtype)
    assert quantized.dtype == np.dtype(dtype)
    low, high = (limits.min - zero_point) * scale, (limits.max - zero_point) * scale
    restored = (int(quantized) - zero_point) * scale
    error = abs(restored - min(max(value, low), high))
    # Half a step, and what float32 rounds away in the division.
    assert error <= (0.5 + 2.0**-23 * abs(value / scale)) * scale


def test_halves_go_to_the_even_neighbour() -> None:
    halves = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], np.float32)
    assert quantize_values(halves, 1.0, 0, "int8").tolist() == [-2, -2, 0, 0, 2, 2]


def test_values_beyond_the_range_saturate() -> None:
    values = np.array([-1e30, 1e30, -np.inf, np.inf], np.float32)
    assert quantize_values(values, 0.5, -3, "int8").tolist() == [-128, 127, -128, 127]
    assert quantize_values(values, 0.5, 9, "uint8").tolist() == [0, 255, 0, 255]
