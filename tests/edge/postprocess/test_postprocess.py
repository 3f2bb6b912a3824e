"""What a model gives to what a person reads."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle.manifest import Output
from edge.errors import EngineError, ModelMismatchError
from edge.postprocess.activation import apply_activation
from edge.postprocess.dequantize import dequantize_output
from edge.postprocess.read_output import read_output
from edge.tensor_spec import TensorSpec

VALUES = st.lists(
    st.floats(min_value=-(2.0**100), max_value=2.0**100, width=32), min_size=1, max_size=20
).map(lambda values: np.array(values, np.float32))


@given(VALUES, st.floats(min_value=0.05, max_value=20))
def test_softmax_gives_probabilities_that_sum_to_one(
    values: np.ndarray, temperature: float
) -> None:
    scores = apply_activation(values, "softmax", temperature)
    assert scores.min() >= 0
    assert scores.sum() == pytest.approx(1.0)
    assert scores[int(values.argmax())] == scores.max()


@given(VALUES)
def test_sigmoid_is_the_logistic_function_and_never_overflows(values: np.ndarray) -> None:
    scores = apply_activation(values, "sigmoid", 1.0)
    for value, score in zip(values.tolist(), scores.tolist(), strict=True):
        expected = 1 / (1 + math.exp(-value)) if value > -700 else 0.0
        assert score == pytest.approx(expected, abs=1e-12)


def test_temperature_divides_before_the_activation() -> None:
    values = np.array([2.0, 0.0], np.float32)
    assert apply_activation(values, "softmax", 2.0).tolist() == pytest.approx(
        apply_activation(values / 2, "softmax", 1.0).tolist()
    )


def output(kind: str, labels: tuple[str, ...], **more: object) -> Output:
    return Output(
        name="out",
        kind=kind,  # type: ignore[arg-type]
        labels=labels,
        activation=more.pop("activation", "none"),  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )


def test_classification_decides_for_the_highest_score_and_the_first_of_equals() -> None:
    answer = read_output(
        np.array([[1.0, 3.0, 3.0]], np.float32), output("classification", ("a", "b", "c"))
    )
    assert answer.decision == ("b",)
    assert answer.top.label == "b"


def test_multilabel_decides_for_every_score_at_or_over_its_threshold() -> None:
    answer = read_output(
        np.array([0.5, 0.2, 0.1], np.float32),
        output("multilabel", ("a", "b", "c"), thresholds=(0.5, 0.3, 0.05)),
    )
    assert answer.decision == ("a", "c")


def test_multilabel_without_thresholds_decides_at_one_half() -> None:
    answer = read_output(
        np.array([0.5, 0.49], np.float32),
        output("multilabel", ("a", "b")),
    )
    assert answer.decision == ("a",)


def test_regression_gives_values_in_their_unit_and_decides_nothing() -> None:
    answer = read_output(
        np.array([[61.5]], np.float32), output("regression", ("age",), unit="years")
    )
    assert (answer.scores[0].score, answer.unit, answer.decision) == (61.5, "years", ())


def test_values_that_do_not_match_the_labels_are_refused() -> None:
    with pytest.raises(ModelMismatchError, match="3 values but 2 labels"):
        read_output(np.zeros((1, 3), np.float32), output("classification", ("a", "b")))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_never_turned_into_an_answer(bad: float) -> None:
    spec = TensorSpec("out", (1, 2), "float32")
    with pytest.raises(EngineError, match="NaN or infinite"):
        dequantize_output(np.array([[0.0, bad]], np.float32), spec)


@given(st.integers(-128, 127), st.integers(-128, 127), st.floats(1e-6, 1e3))
def test_dequantizing_is_scale_times_distance_from_the_zero_point(
    value: int, zero_point: int, scale: float
) -> None:
    spec = TensorSpec("out", (1,), "int8", scale, zero_point)
    real = dequantize_output(np.array([value], np.int8), spec)
    assert real.dtype == np.float32
    assert real[0] == np.float32(value - zero_point) * np.float32(scale)
