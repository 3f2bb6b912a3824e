"""Calibration error and Brier score are what their definitions say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.manifest import Output
from quantize.evaluation.calibration_error import (
    adaptive_calibration_error,
    brier_score,
    calibration_error,
    equal_width_error,
    reliability,
)
from quantize.evaluation.probability_figures import calibration_figures, reliability_of

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=40)
@given(PAIRS, st.integers(1, 20))
def test_equal_width_error_is_the_weighted_gap_of_the_bins(pairs, bins) -> None:
    confidence, correct = (np.array(each) for each in zip(*pairs, strict=True))
    wanted = 0.0
    for at in range(bins):
        # As the code bins: the product, cut to an integer; 1.0 falls in the last bin.
        inside = np.minimum((confidence * bins).astype(int), bins - 1) == at
        if inside.any():
            wanted += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    assert equal_width_error(confidence, correct, bins) == pytest.approx(wanted)


@settings(max_examples=40)
@given(PAIRS)
def test_bins_hold_every_example_once(pairs) -> None:
    confidence, correct = (np.array(each) for each in zip(*pairs, strict=True))
    assert sum(each.examples for each in reliability(confidence, correct)) == len(pairs)


@settings(max_examples=40)
@given(PAIRS)
def test_with_one_bin_both_errors_are_the_gap_of_the_means(pairs) -> None:
    confidence, correct = (np.array(each) for each in zip(*pairs, strict=True))
    gap = abs(confidence.mean() - correct.mean())
    assert equal_width_error(confidence, correct, 1) == pytest.approx(gap)
    assert adaptive_calibration_error(confidence, correct, 1) == pytest.approx(gap)


def test_adaptive_bins_see_what_one_crowded_bin_hides() -> None:
    """Two thirds sure answers of which some are wrong, all inside the last of 15 bins."""
    confidence = np.concatenate([np.full(50, 0.94), np.full(50, 0.99)])
    correct = np.concatenate([np.ones(50, bool), np.arange(50) < 46])
    assert equal_width_error(confidence, correct) == pytest.approx(0.005)
    assert adaptive_calibration_error(confidence, correct, 2) == pytest.approx(0.065)


def test_brier_scores_by_hand() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
    assert brier_score(probabilities, np.array([0, 1])) == pytest.approx(
        (0.3**2 + 0.2**2 + 0.1**2 + 1 + 1) / 2
    )
    assert brier_score(np.array([0.9, 0.2]), np.array([1, 0])) == pytest.approx(0.025)


def test_probabilities_that_come_true_as_often_as_they_say_have_no_error() -> None:
    confidence = np.repeat([0.25, 0.75], 100)
    correct = np.concatenate([np.arange(100) < 25, np.arange(100) < 75])
    assert equal_width_error(confidence, correct) == pytest.approx(0.0)


def test_the_top_label_is_judged_in_classification() -> None:
    values = np.log([[0.8, 0.2], [0.6, 0.4]])
    output = Output(name="o", kind="classification", labels=("a", "b"), activation="softmax")
    truth = np.array([0.0, 1.0])
    figures = calibration_figures(values, truth, output, 1.0)
    assert figures.expected == pytest.approx((0.2 + 0.6) / 2)
    assert figures.expected == pytest.approx(
        calibration_error(np.array([[0.8, 0.2], [0.6, 0.4]]), truth.astype(int))
    )


def test_unknown_truth_is_left_out_label_by_label() -> None:
    output = Output(name="o", kind="multilabel", labels=("a", "b"), activation="sigmoid")
    values = np.array([[0.0, 5.0], [0.0, -5.0]])
    truth = np.array([[1.0, np.nan], [0.0, np.nan]])
    assert calibration_figures(values, truth, output, 1.0).brier == pytest.approx(0.25)
    assert [each.examples for each in reliability_of(values, truth, output, 1.0)] == [2]


def test_scores_that_are_no_probabilities_are_not_judged() -> None:
    output = Output(name="o", kind="classification", labels=("a", "b"), activation="none")
    values = np.array([[3.0, -1.0]])
    assert calibration_figures(values, np.array([0.0]), output, 1.0) is None
    assert reliability_of(values, np.array([0.0]), output, 1.0) == ()


def test_a_softmax_inside_an_int8_model_still_gives_probabilities() -> None:
    output = Output(name="o", kind="classification", labels=("a", "b"), activation="none")
    values = np.array([[0.99609375, 0.0]])
    assert calibration_figures(values, np.array([0.0]), output, 1.0) is not None
