"""Uniform quantization keeps its promises for any range, any values, any layer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantize.uniform import (
    BIAS_LIMIT,
    SMALLEST_SCALE,
    activation_params,
    dequantize,
    quantize,
    quantize_activation,
    quantize_bias,
    quantize_weight,
    weight_scales,
)

finite = st.floats(-1e6, 1e6, width=32)
ranges = st.tuples(finite, finite).map(sorted)


@given(ranges)
def test_zero_is_an_exact_integer_of_every_range(bounds: list[float]) -> None:
    params = activation_params(*bounds)
    assert 0 <= params.zero_point <= 255
    steps = quantize_activation(np.zeros(1, np.float32), params)
    back = dequantize(steps, scale=params.scale, zero_point=params.zero_point)
    assert float(back[0]) == 0.0


@given(ranges)
def test_a_scale_is_a_positive_number_that_float32_holds(bounds: list[float]) -> None:
    params = activation_params(*bounds)
    assert params.scale >= SMALLEST_SCALE
    assert float(np.float32(params.scale)) == params.scale


@given(ranges)
def test_the_integers_reach_the_ends_of_the_range_to_half_a_step(bounds: list[float]) -> None:
    params = activation_params(*bounds)
    low, high = min(bounds[0], 0.0), max(bounds[1], 0.0)
    slack = 0.5001 * params.scale
    assert -params.zero_point * params.scale <= low + slack
    assert (255 - params.zero_point) * params.scale >= high - slack


@given(ranges, st.floats(0, 1))
def test_a_round_trip_inside_the_range_errs_by_half_a_step_and_float32s_own_rounding(
    bounds: list[float], where: float
) -> None:
    params = activation_params(*bounds)
    low = -params.zero_point * params.scale
    value = np.float32(low + where * 255 * params.scale)
    steps = quantize_activation(np.array([value]), params)
    back = dequantize(steps, scale=params.scale, zero_point=params.zero_point)
    assert abs(float(back[0]) - float(value)) <= (0.5 + 2.0 ** (8 - 23)) * params.scale


@pytest.mark.parametrize(
    ("bounds", "scale", "zero_point"),
    [
        pytest.param((0.0, 255.0), 1.0, 0, id="positive"),
        pytest.param((-128.0, 127.0), 1.0, 128, id="both signs"),
        pytest.param((3.0, 255.0), 1.0, 0, id="widened down to zero"),
        pytest.param((-255.0, -3.0), 1.0, 255, id="widened up to zero"),
        pytest.param((0.0, 0.0), float(np.float32(1 / 255)), 0, id="always zero"),
    ],
)
def test_known_ranges_have_known_parameters(
    bounds: tuple[float, float], scale: float, zero_point: int
) -> None:
    params = activation_params(*bounds)
    assert (params.scale, params.zero_point) == (scale, zero_point)


@pytest.mark.parametrize(
    "bounds", [(np.nan, 1.0), (0.0, np.inf), (1.0, -1.0)], ids=["nan", "infinite", "reversed"]
)
def test_a_range_that_is_none_is_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="finite and in order"):
        activation_params(*bounds)


def test_halves_round_to_even_and_the_ends_saturate() -> None:
    values = np.array([-1.5, -0.5, 0.5, 1.5, 2.5, 1e9, -1e9], np.float32)
    found = quantize(values, scale=1.0, zero_point=0, dtype=np.int8)
    assert found.tolist() == [-2, 0, 0, 2, 2, 127, -128]


weights = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=4, max_side=4),
    elements=st.floats(-100, 100, width=32),
)


@given(weights)
def test_weights_never_use_minus_128_and_err_by_half_a_step_of_their_channel(
    values: np.ndarray,
) -> None:
    scales = weight_scales(values)
    found = quantize_weight(values, scales)
    assert int(found.values.min()) >= -127
    column = scales.reshape((-1,) + (1,) * (values.ndim - 1)).astype(np.float64)
    error = np.abs(found.values * column - values)
    assert (error <= (0.5 + 2.0 ** (8 - 23)) * column).all()


@given(
    st.floats(-(2.0**100), 2.0**100, width=32),
    st.floats(-1, 1, width=32),
    st.floats(2**-20, 2**10, width=32),
)
def test_a_bias_fits_its_integers_whatever_the_weights(
    bias: float, weight: float, input_scale: float
) -> None:
    values = np.array([[weight]], np.float32)
    biases = np.array([bias], np.float32)
    scales = weight_scales(values, bias=biases, input_scale=input_scale)
    found = quantize_bias(biases, input_scale=input_scale, weight_scale=scales)
    assert abs(int(found.values[0])) <= BIAS_LIMIT
    back = float(found.values[0]) * float(found.scale[0])
    assert back == pytest.approx(float(biases[0]), abs=float(found.scale[0]), rel=1e-6)


def test_a_channel_of_zeros_takes_the_scale_of_its_neighbours() -> None:
    scales = weight_scales(np.array([[0.0, 0.0], [127.0, 1.0]], np.float32))
    assert scales.tolist() == [1.0, 1.0]


def test_a_scale_below_the_least_allowed_is_raised_to_it() -> None:
    scales = weight_scales(np.array([[1e-12], [1.27]], np.float32), smallest=1e-4)
    assert scales.tolist() == pytest.approx([1e-4, 1e-2])
