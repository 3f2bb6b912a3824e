"""Temperature and thresholds fitted on quantized outputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.manifest import Output
from quantize.evaluation.operating_point import can_fit, fit_operating_point
from quantize.evaluation.refit import (
    fit_sigmoid_temperature,
    fit_temperature,
    specificity_at,
    threshold_at_specificity,
    youden_threshold,
)
from quantize.evaluation.scores import log_loss, scores_of, sigmoid
from quantize.evaluation.temperature import refitted_temperature


def calibrated_values(count: int = 4000, labels: int = 3) -> tuple:
    """Values whose softmax is the very probability that the label was drawn with."""
    random = np.random.default_rng(11)
    values = random.normal(0, 1.5, (count, labels))
    powers = np.exp(values)
    chances = powers / powers.sum(axis=1, keepdims=True)
    truth = (random.random((count, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    return values, np.minimum(truth, labels - 1)


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_a_temperature_undoes_a_scale(scale) -> None:
    values, truth = calibrated_values()
    assert fit_temperature(values * scale, truth) == pytest.approx(scale, rel=0.05)


def test_no_temperature_of_a_grid_is_better() -> None:
    values, truth = calibrated_values(300)
    best = log_loss(values, truth, fit_temperature(values, truth))
    assert best <= min(log_loss(values, truth, each) for each in np.geomspace(0.05, 20, 400)) + 1e-9


def test_a_sigmoid_temperature_undoes_a_scale() -> None:
    random = np.random.default_rng(2)
    values = random.normal(0, 2, 8000)
    truth = (random.random(8000) < sigmoid(values)).astype(np.int64)
    assert fit_sigmoid_temperature(values * 2.0, truth) == pytest.approx(2.0, rel=0.08)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=3, max_size=40).filter(
        lambda pairs: not all(positive for _, positive in pairs)
    ),
    st.floats(0, 1),
    st.floats(0, 10),
)
def test_no_threshold_comes_closer_to_the_wanted_specificity(pairs, wanted, near) -> None:
    scores, positive = (np.array(each) for each in zip(*pairs, strict=True))
    scores = scores.astype(np.float64)
    found = threshold_at_specificity(scores, positive, wanted, near=near)
    reached = abs(specificity_at(scores, positive, found) - wanted)
    every = [*(np.arange(-1, 11) + 0.5)]
    assert reached <= min(abs(specificity_at(scores, positive, t) - wanted) for t in every) + 1e-12


def test_a_threshold_that_fits_already_stays() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.9])
    positive = np.array([False, False, False, True])
    assert threshold_at_specificity(scores, positive, 1.0, near=0.5) == 0.5
    assert threshold_at_specificity(scores, positive, 1.0, near=0.95) == 0.95


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=4, max_size=40))
def test_youdens_threshold_is_the_best(pairs) -> None:
    scores, positive = (np.array(each) for each in zip(*pairs, strict=True))
    if positive.all() or not positive.any():
        return

    def index(threshold: float) -> float:
        called = scores >= threshold
        return called[positive].mean() - called[~positive].mean()

    found = youden_threshold(scores.astype(np.float64), positive)
    assert index(found) == pytest.approx(max(index(each) for each in np.arange(-1, 11) + 0.5))


def multilabel(thresholds=None, temperature: float = 1.0) -> Output:
    return Output(
        name="o",
        kind="multilabel",
        labels=("a", "b"),
        activation="sigmoid",
        thresholds=thresholds,
        temperature=temperature,
    )


def multilabel_sample(count: int = 400) -> tuple:
    random = np.random.default_rng(9)
    truth = (random.random((count, 2)) < 0.4).astype(np.float64)
    return random.normal(0, 1, (count, 2)) + 1.5 * truth - 0.5, truth


def test_quantized_outputs_get_the_float_models_specificity_back() -> None:
    values, truth = multilabel_sample()
    output = multilabel(thresholds=(0.6, 0.3))
    shifted = values + 0.8
    point = fit_operating_point(values, [shifted], truth, output, "specificity")
    scores = scores_of(shifted, output, temperature=point.temperature)
    for at in range(2):
        negative = truth[:, at] == 0
        wanted = (scores_of(values, output)[negative, at] < output.thresholds[at]).mean()
        found = (scores[negative, at] < point.thresholds[at]).mean()
        assert found == pytest.approx(wanted, abs=0.005)


def test_a_label_with_too_few_cases_keeps_its_cut_through_the_raw_outputs() -> None:
    values, truth = multilabel_sample()
    truth[:, 1] = 0.0
    truth[:3, 1] = 1.0
    output = multilabel(thresholds=(0.5, 0.2))
    point = fit_operating_point(values, [values], truth, output, "specificity")
    assert point.kept == ("b",)
    before = scores_of(values, output)[:, 1] >= 0.2
    after = scores_of(values, output, temperature=point.temperature)[:, 1] >= point.thresholds[1]
    np.testing.assert_array_equal(before, after)


def test_classification_gets_a_temperature_and_no_thresholds() -> None:
    values, truth = calibrated_values(600)
    output = Output(name="o", kind="classification", labels=("a", "b", "c"), activation="softmax")
    point = fit_operating_point(values, [values * 2], truth.astype(float), output, "specificity")
    assert point.thresholds is None
    assert point.temperature == pytest.approx(2.0, rel=0.2)


@settings(max_examples=20)
@given(st.integers(1, 49))
def test_too_few_examples_fit_nothing(count) -> None:
    values, truth = multilabel_sample(count)
    assert len(values) == count
    assert not can_fit(truth, multilabel())


def test_a_model_that_gives_probabilities_itself_has_no_temperature_to_fit() -> None:
    output = Output(name="o", kind="classification", labels=("a", "b"), activation="none")
    assert not can_fit(np.tile([0.0, 1.0], 100), output)


@pytest.mark.parametrize("stretch", [0.5, 3.0])
def test_a_temperature_is_refitted_where_it_helps_on_unseen_examples(stretch) -> None:
    values, truth = calibrated_values(600)
    output = Output(name="o", kind="classification", labels=("a", "b", "c"), activation="softmax")
    found = refitted_temperature([values * stretch], truth.astype(float), output)
    assert found == pytest.approx(stretch, rel=0.2)


def test_a_temperature_that_lowers_the_loss_but_not_the_calibration_error_is_not_taken() -> None:
    """Scores that class weights in training have shifted: no stretch brings them back."""
    random = np.random.default_rng(4)
    values = random.normal(-2.0, 1.0, (900, 1))
    truth = (random.random((900, 1)) < sigmoid(values)).astype(np.float64)
    output = Output(
        name="o", kind="multilabel", labels=("a",), activation="sigmoid", temperature=1.0
    )
    shifted = values + 2.0
    fitted = fit_sigmoid_temperature(shifted[:, 0], truth[:, 0].astype(np.int64))
    assert fitted > 1.5
    assert refitted_temperature([shifted], truth, output) == 1.0


def test_a_temperature_in_force_that_fits_is_kept_exactly() -> None:
    values, truth = calibrated_values(150)
    output = Output(
        name="o",
        kind="classification",
        labels=("a", "b", "c"),
        activation="softmax",
        temperature=2.0,
    )
    assert refitted_temperature([values * 2.0], truth.astype(float), output) == 2.0
