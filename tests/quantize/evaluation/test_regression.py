"""Errors of measured values."""

import numpy as np
import pytest

from quantize.evaluation.regression import regression_figures


def test_figures_by_hand() -> None:
    found = regression_figures(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]))
    assert found.mean_absolute_error == pytest.approx(1.0)
    assert found.root_mean_square_error == pytest.approx(np.sqrt(5 / 3))
    assert found.r_squared == pytest.approx(1 - 5 / 2)
    assert found.bias == pytest.approx(1 / 3)
    deviation = np.std([0.0, -1.0, 2.0], ddof=1)
    assert found.limits == pytest.approx((1 / 3 - 1.96 * deviation, 1 / 3 + 1.96 * deviation))


def test_a_perfect_prediction_explains_everything() -> None:
    values = np.array([1.0, 2.0, 3.0])
    found = regression_figures(values, values)
    assert (found.r_squared, found.limits) == (1.0, (0.0, 0.0))


def test_what_never_varies_has_no_share_explained() -> None:
    assert np.isnan(regression_figures(np.array([1.0, 2.0]), np.array([5.0, 5.0])).r_squared)
