"""Signal-to-noise ratio of a quantized file's outputs."""

import numpy as np
import pytest

from benchmarks.peers.quantizers.quality import centred_snr_db, measure_quality


def test_a_constant_part_of_the_output_is_no_signal() -> None:
    expected = np.array([[1.0], [-1.0]], np.float32)
    found = expected + 0.1
    shifted = expected + 1000.0
    assert centred_snr_db(expected, found) == pytest.approx(20.0, abs=1e-4)
    assert centred_snr_db(shifted, shifted + 0.1) == pytest.approx(20.0, abs=0.01)


def test_equal_answers_get_the_limit() -> None:
    answers = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    assert centred_snr_db(answers, answers) == 120.0


@pytest.mark.parametrize("wrong", [np.nan, np.inf], ids=["nan", "infinity"])
def test_answers_that_are_not_finite_get_the_lower_limit(wrong: float) -> None:
    expected = np.array([[1.0], [2.0]], np.float32)
    found = np.array([[1.0], [wrong]], np.float32)
    assert centred_snr_db(expected, found) == -120.0


def test_the_worst_output_counts_and_the_mean_is_told() -> None:
    good = np.array([[1.0], [-1.0]], np.float32)
    quality = measure_quality({"a": good, "b": good}, {"a": good + 0.1, "b": good + 0.01})
    assert quality.worst_db == pytest.approx(20.0, abs=1e-3)
    assert quality.mean_db == pytest.approx(30.0, abs=1e-3)
    assert quality.examples == 2


def test_agreement_is_on_the_largest_of_several_values() -> None:
    expected = np.array([[0.0, 1.0], [1.0, 0.0], [3.0, 2.0], [0.0, 9.0]], np.float32)
    found = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [0.0, 9.0]], np.float32)
    assert measure_quality({"y": expected}, {"y": found}).agreement == 0.75


def test_agreement_of_a_single_value_is_on_its_sign() -> None:
    expected = np.array([[-1.0], [2.0]], np.float32)
    found = np.array([[-0.2], [-0.1]], np.float32)
    assert measure_quality({"y": expected}, {"y": found}).agreement == 0.5
