"""Series, tables and vectors to tensors: gaps, standardisation, order of axes, integer ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nst

from edge.bundle.manifest import SeriesInput, TableInput, VectorInput
from edge.errors import InputError, ModelMismatchError
from edge.preprocess.gaps import fill_gaps
from edge.preprocess.tensor import TensorPreprocessor
from edge.tensor_spec import TensorSpec

NAN = float("nan")
QUICK = settings(max_examples=200, deadline=None, derandomize=True, database=None)


def series(**changes: object) -> SeriesInput:
    fields = {
        "name": "x",
        "shape": (1, 4, 2),
        "axes": "TC",
        "channels": ("a", "b"),
        "mean": (10.0, 0.0),
        "std": (2.0, 1.0),
    }
    return SeriesInput(**(fields | changes))


def prepared(spec: object, value: object, target: TensorSpec | None = None) -> np.ndarray:
    tensor, refusal = TensorPreprocessor(spec, target).prepare_checked(value, "test")
    assert refusal is None
    return tensor


GAPPY = [[NAN, 1.0], [12.0, NAN], [NAN, NAN], [14.0, 3.0]]


@pytest.mark.parametrize(
    ("rule", "fill", "expected"),
    [
        pytest.param(
            "forward_fill",
            (8.0, 5.0),
            [[-1, 1], [1, 1], [1, 1], [2, 3]],
            id="carried on, and filled where nothing precedes",
        ),
        pytest.param("mean", (8.0, 5.0), [[-1, 1], [1, 5], [-1, 5], [2, 3]], id="fill"),
        pytest.param("mean", (), [[0, 1], [1, 0], [0, 0], [2, 3]], id="the mean, unless given"),
        pytest.param("mean", (6.0,), [[-2, 1], [1, 6], [-2, 6], [2, 3]], id="one fill for all"),
    ],
)
@pytest.mark.parametrize("axes", ["TC", "CT"])
def test_gaps_are_filled_by_the_rule_before_standardisation(
    rule: str, fill: tuple[float, ...], expected: list, axes: str
) -> None:
    spec = series(gap_rule=rule, fill=fill)
    given_values, wanted = np.array(GAPPY), np.array([expected], np.float32)
    if axes == "CT":
        spec = series(gap_rule=rule, fill=fill, axes="CT", shape=(1, 2, 4))
        given_values, wanted = given_values.T, wanted.swapaxes(1, 2)
    np.testing.assert_array_equal(prepared(spec, given_values), wanted)


@pytest.mark.parametrize(
    ("rule", "lacking"),
    [pytest.param("none", "a, b", id="no rule"), pytest.param("forward_fill", "a", id="a start")],
)
def test_a_gap_that_stays_is_refused_by_channel(rule: str, lacking: str) -> None:
    made = TensorPreprocessor(series(gap_rule=rule))
    tensor, refusal = made.prepare_checked(GAPPY, "test")
    assert refusal == f"input x lacks values of {lacking}"
    assert tensor.shape == (1, 4, 2)


@given(
    nst.arrays(
        np.float64,
        nst.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.one_of(st.just(NAN), st.floats(-1e6, 1e6)),
    )
)
@QUICK
def test_forward_fill_is_what_a_loop_does(values: np.ndarray) -> None:
    fill = np.arange(values.shape[1], dtype=np.float64)
    expected = values.copy()
    for channel in range(values.shape[1]):
        last = fill[channel]
        for time in range(values.shape[0]):
            last = last if np.isnan(values[time, channel]) else values[time, channel]
            expected[time, channel] = last
    before = values.copy()
    np.testing.assert_array_equal(fill_gaps(values, "forward_fill", fill), expected)
    np.testing.assert_array_equal(values, before)


def test_standardised_values_are_held_within_the_clip() -> None:
    values = [[10, 0], [100, 50], [-100, -50], [12, 1]]
    got = prepared(series(clip=(-3.0, 4.0)), values)
    assert got.tolist() == [[[0, 0], [4, 4], [-3, -3], [1, 1]]]


def test_standardisation_rounds_once_from_double_precision() -> None:
    random = np.random.default_rng(0)
    values = random.normal(1000, 1e-3, (1, 1000))
    spec = VectorInput(name="x", shape=(1, 1000), mean=1000.0, std=1e-3)
    np.testing.assert_array_equal(
        prepared(spec, values), ((values - 1000.0) / 1e-3).astype(np.float32)
    )


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_an_integer_model_is_given_steps(dtype: str) -> None:
    target = TensorSpec("x", (1, 4, 2), dtype, 0.5, 3)
    values = [[10, 0], [11, 0.25], [1000, -1000], [12, 0.75]]
    limits = np.iinfo(dtype)
    got = prepared(series(), values, target)
    assert got.dtype == dtype
    # Halves go to the even neighbour; what is beyond saturates.
    assert got.tolist() == [[[3, 3], [4, 3], [limits.max, limits.min], [5, 5]]]


def test_four_axes_are_permuted_for_an_nhwc_file() -> None:
    values = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    spec = VectorInput(name="x", shape=(1, 2, 3, 4))
    target = TensorSpec("x", (1, 3, 4, 2), "float32")
    tensor, _ = TensorPreprocessor(spec, target, "NHWC").prepare_checked(values, "test")
    np.testing.assert_array_equal(tensor, values.transpose(0, 2, 3, 1))
    assert tensor.flags.c_contiguous


@pytest.mark.parametrize("target", ["int64", "int32"])
def test_whole_numbers_and_words_become_positions(target: str) -> None:
    spec = VectorInput(
        name="x", shape=(1, 3), dtype="int64", vocabulary=("none", "cough", "fever"), fill=0.0
    )
    for value in (["fever", "cough", None], [2, 1, 0], np.array([2, 1, 0], np.uint8)):
        got = prepared(spec, value, TensorSpec("x", (1, 3), target))
        assert (got.dtype, got.tolist()) == (target, [[2, 1, 0]])


@pytest.mark.parametrize(
    ("dtype", "value", "is_right"),
    [
        pytest.param("int64", [2**40, -(2**40)], True, id="large"),
        pytest.param("int32", [2**31 - 1, -(2**31)], True, id="limits"),
        pytest.param("int32", [2**31, 0], False, id="beyond"),
        pytest.param("int32", [0.5, 0], False, id="a fraction"),
        pytest.param("int32", [1.0, 0.0], True, id="whole floats"),
        pytest.param("bool", [True, False], True, id="truth"),
        pytest.param("bool", [1, 0], True, id="one and zero"),
        pytest.param("bool", [2, 0], False, id="two is no truth"),
    ],
)
def test_whole_numbers_must_fit_their_type(dtype: str, value: list, is_right: bool) -> None:
    spec = VectorInput(name="x", shape=(1, 2), dtype=dtype)
    if is_right:
        got = prepared(spec, value)
        assert (got.dtype, got.tolist()) == (dtype, [value])
    else:
        with pytest.raises(InputError, match="takes whole numbers"):
            prepared(spec, value)


def test_a_missing_column_takes_its_fill_or_is_refused() -> None:
    spec = TableInput(name="x", shape=(1, 2), columns=("age", "size"), fill=(60.0, None))
    assert prepared(spec, [None, 3]).tolist() == [[60, 3]]
    _, refusal = TensorPreprocessor(spec).prepare_checked({"age": 1, "size": None}, "test")
    assert refusal == "input x lacks values of size"


@pytest.mark.parametrize("dtype", ["float16", "int64", "int8", "uint8"])
def test_a_tensor_of_another_type_is_refused(dtype: str) -> None:
    with pytest.raises(ModelMismatchError, match=f"is {dtype} and its manifest says float32"):
        TensorPreprocessor(series(), TensorSpec("x", (1, 4, 2), dtype))
