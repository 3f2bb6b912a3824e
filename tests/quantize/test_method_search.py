"""The range method is chosen by what it does to the output."""

import numpy as np
import pytest
import tiny_onnx_models as tiny

from quantize.calibration import Calibration, CalibrationOptions, RangeMethod, calibrate
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.method_search import CANDIDATES, ranges_by, search_method
from quantize.quantized_graph import Precision

EXAMPLES = tiny.pictures(12)


@pytest.fixture(scope="module")
def graph() -> FloatGraph:
    return import_model(tiny.concat_cnn())


@pytest.fixture(scope="module")
def calibration(graph: FloatGraph) -> Calibration:
    return calibrate(graph, EXAMPLES)


@pytest.mark.parametrize(
    "method",
    [each for each in RangeMethod if each is not RangeMethod.MOVING_AVERAGE],
)
def test_a_candidate_gives_what_its_method_gives(
    graph: FloatGraph, calibration: Calibration, method: RangeMethod
) -> None:
    """Whichever method the calibration was made with: its histograms hold for all."""
    expected = calibrate(graph, EXAMPLES, options=CalibrationOptions(method=method))
    assert ranges_by(graph, calibration, method.value) == dict(expected)


def test_the_best_candidate_is_chosen_and_all_are_told(
    graph: FloatGraph, calibration: Calibration
) -> None:
    told: list[tuple[int, int]] = []
    found = search_method(graph, calibration, EXAMPLES, progress=lambda *each: told.append(each))
    assert set(found.snr_db) == set(CANDIDATES)
    assert found.snr_db[found.choice] == max(found.snr_db.values())
    assert found.ranges == ranges_by(graph, calibration, found.choice)
    assert told == [(done, len(CANDIDATES)) for done in range(1, len(CANDIDATES) + 1)]


def test_searching_twice_gives_the_same(graph: FloatGraph, calibration: Calibration) -> None:
    first, second = (search_method(graph, calibration, EXAMPLES) for _ in range(2))
    assert first == second


def test_a_network_with_one_wild_value_is_clipped() -> None:
    """All that was seen is the worst choice where one value in one example is an outlier."""
    graph = import_model(tiny.residual_cnn())
    random = np.random.default_rng(0)
    examples = [
        {"image": random.normal(0, 0.05, (1, 3, 16, 16)).astype(np.float32)} for _ in range(24)
    ]
    examples[0]["image"][0, :, 8, 8] = 20.0
    found = search_method(graph, calibrate(graph, examples), examples[1:])
    assert found.choice != "minmax"


def test_float_layers_are_left_out(graph: FloatGraph) -> None:
    chosen = {node.name: Precision.FLOAT for node in graph.nodes if node.op == "Gemm"}
    calibration = calibrate(graph, EXAMPLES, precisions=chosen)
    found = search_method(graph, calibration, EXAMPLES, precisions=chosen)
    assert set(found.ranges) == set(calibration)
