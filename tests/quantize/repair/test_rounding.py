"""Rounding that looks at the layer's outputs is never worse for them than the nearest."""

import numpy as np
import pytest
import tiny_onnx_models as tiny
from repair_networks import EXAMPLES, answers, inverted_residuals, parameters, plain, snr_db

from quantize.calibration import calibrate
from quantize.importers.onnx_importer import import_model
from quantize.quantizer import quantize_graph
from quantize.repair.adaptive_rounding import learn_rounding, round_by_learning
from quantize.repair.bias_correction import correct_biases, correct_biases_in_order
from quantize.repair.error_compensation import compensate_errors, round_columns
from quantize.repair.output_bias import correct_output_bias


def problem(groups: int, outputs: int, columns: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(columns)
    rows = random.normal(size=(groups, 8 * columns, columns)) @ random.normal(
        size=(groups, columns, columns)
    )
    weights = random.normal(size=(groups, outputs, columns))
    scales = (np.abs(weights).max(axis=2) / 12).astype(np.float32)  # coarse: rounding matters
    return weights, rows.transpose(0, 2, 1) @ rows / rows.shape[1], scales


def error(weights, covariance, scales, integers) -> float:
    difference = integers * scales[:, :, None].astype(np.float64) - weights
    return float(((difference @ covariance) * difference).sum())


@pytest.mark.parametrize("round_weights", [round_columns, round_by_learning])
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((1, 6, 40), id="dense"),
        pytest.param((12, 1, 9), id="depthwise"),
        pytest.param((1, 3, 150), id="more columns than a block"),
    ],
)
def test_rounding_errs_less_than_the_nearest(shape, round_weights) -> None:
    weights, covariance, scales = problem(*shape)
    nearest = np.rint(weights / scales[:, :, None])
    found = round_weights(weights, covariance, scales)
    assert error(weights, covariance, scales, found) < error(weights, covariance, scales, nearest)


@pytest.mark.parametrize("rung", [compensate_errors, learn_rounding, correct_biases_in_order])
def test_a_rung_gives_the_same_integers_twice(rung) -> None:
    quantized = plain(import_model(tiny.gated_cnn()))
    first, second = (parameters(rung(quantized, EXAMPLES)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("rung", [compensate_errors, learn_rounding])
def test_a_rung_keeps_scales_and_ranges(rung) -> None:
    quantized = plain(inverted_residuals())
    found = rung(quantized, EXAMPLES)
    assert found.activations == quantized.activations
    assert all(
        np.array_equal(found.weights[name].scale, each.scale)
        for name, each in quantized.weights.items()
    )


def bright_derivative() -> tuple:
    """A layer of derivatives over bright pictures: rounding its weights shifts its outputs."""
    build = tiny.ModelBuilder()
    derivative = build.random.normal(0, 1, (4, 3, 3, 3))
    derivative -= derivative.mean(axis=(1, 2, 3), keepdims=True)
    build.node("Conv", ["image", build.constant("w", derivative)], "out")
    graph = import_model(build.model({"image": (1, 3, 16, 16)}, {"out": None}))
    bright = [{"image": 0.9 + 0.1 * each["image"]} for each in tiny.pictures(16)]
    return graph, bright


@pytest.mark.parametrize("rung", [correct_biases, correct_biases_in_order, correct_output_bias])
def test_a_constant_shift_of_the_input_is_not_left_in_the_output(rung) -> None:
    graph, bright = bright_derivative()
    quantized = quantize_graph(graph, calibrate(graph, bright))
    reference = answers(graph, bright)
    before, after = (
        np.abs((answers(each, bright) - reference).mean(axis=(0, 2, 3))).max()
        for each in (quantized, rung(quantized, bright))
    )
    assert after < 0.2 * before


def test_bias_correction_helps_a_deep_network() -> None:
    graph = inverted_residuals(gate="SiLU")
    quantized = plain(graph)
    assert snr_db(graph, correct_biases_in_order(quantized, EXAMPLES)) > snr_db(graph, quantized)
