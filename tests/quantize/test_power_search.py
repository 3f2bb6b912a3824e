"""The exponent of the range search is chosen by what it does to the output."""

import math

import numpy as np
import pytest
import tiny_onnx_models as tiny

from quantize.calibration import Calibration, CalibrationOptions, RangeMethod, calibrate
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.power_search import POWERS, ranges_by_power, search_power
from quantize.quantized_graph import Precision

EXAMPLES = tiny.pictures(12)


@pytest.fixture(scope="module")
def graph() -> FloatGraph:
    return import_model(tiny.concat_cnn())


@pytest.fixture(scope="module")
def calibration(graph: FloatGraph) -> Calibration:
    return calibrate(graph, EXAMPLES)


@pytest.mark.parametrize(
    ("power", "method"),
    [(2.4, RangeMethod.AUTO), (2.0, RangeMethod.MSE), (math.inf, RangeMethod.MINMAX)],
)
def test_a_power_gives_what_its_method_gives(
    graph: FloatGraph, calibration: Calibration, power: float, method: RangeMethod
) -> None:
    """Whichever method the calibration was made with: its histograms hold for all."""
    expected = calibrate(graph, EXAMPLES, options=CalibrationOptions(method=method))
    assert ranges_by_power(graph, calibration, power) == dict(expected)


def test_the_best_power_is_chosen_and_all_are_told(
    graph: FloatGraph, calibration: Calibration
) -> None:
    told: list[tuple[int, int]] = []
    found = search_power(graph, calibration, EXAMPLES, progress=lambda *each: told.append(each))
    assert set(found.snr_db) == set(POWERS)
    assert found.snr_db[found.power] == max(found.snr_db.values())
    assert found.ranges == ranges_by_power(graph, calibration, found.power)
    assert told == [(done, len(POWERS)) for done in range(1, len(POWERS) + 1)]


def test_searching_twice_gives_the_same(graph: FloatGraph, calibration: Calibration) -> None:
    first, second = (search_power(graph, calibration, EXAMPLES) for _ in range(2))
    assert first == second


def test_a_network_with_one_wild_value_is_clipped() -> None:
    """All that was seen is the worst choice where one value in one example is an outlier."""
    graph = import_model(tiny.residual_cnn())
    random = np.random.default_rng(0)
    examples = [
        {"image": random.normal(0, 0.05, (1, 3, 16, 16)).astype(np.float32)} for _ in range(24)
    ]
    examples[0]["image"][0, :, 8, 8] = 20.0
    found = search_power(graph, calibrate(graph, examples), examples[1:])
    assert math.isfinite(found.power)


def test_float_layers_are_left_out(graph: FloatGraph) -> None:
    chosen = {node.name: Precision.FLOAT for node in graph.nodes if node.op == "Gemm"}
    calibration = calibrate(graph, EXAMPLES, precisions=chosen)
    found = search_power(graph, calibration, EXAMPLES, precisions=chosen)
    assert set(found.ranges) == set(calibration)
