"""The ladder keeps what helps, stops when it is enough, and says when it is not."""

import numpy as np
import pytest
from repair_networks import EXAMPLES, inverted_residuals, parameters, plain, snr_db

from edge.errors import InputError
from quantize.calibration import TensorRange
from quantize.quantized_graph import Precision
from quantize.repair.ladder import LadderOptions, climb
from quantize.repair.mixed_precision import leave_in_float
from quantize.repair.new_ranges import with_range
from quantize.repair.output_error import OutputError
from quantize.repair.range_search import RangeSearch, search_ranges
from quantize.repair.rungs import FULL_RUNGS, Rung
from quantize.repair.shortcut_folding import multiplications


def test_the_ladder_repairs_what_the_plain_recipe_loses() -> None:
    graph = inverted_residuals()
    result = climb(graph, EXAMPLES)
    assert snr_db(graph, result.quantized) > snr_db(graph, plain(graph)) + 3.0
    assert result.is_reached


def test_the_same_climb_gives_the_same_integers() -> None:
    graph = inverted_residuals()
    first, second = (climb(graph, EXAMPLES) for _ in range(2))
    assert parameters(first.quantized) == parameters(second.quantized)
    assert [each.is_kept for each in first.steps] == [each.is_kept for each in second.steps]


def test_a_rung_that_was_kept_made_the_measured_metric_no_worse() -> None:
    result = climb(
        inverted_residuals(),
        EXAMPLES,
        LadderOptions(rungs=FULL_RUNGS[:-2], max_drop=-1.0),
        measure=lambda quantized: float(len(quantized.activations)),
    )
    kept = [each.drop for each in result.steps if each.is_kept]
    assert kept == sorted(kept, reverse=True)
    assert not result.is_reached
    assert result.shortfall(-1.0) == result.drop + 1.0


def test_the_ladder_stops_when_the_drop_is_small_enough() -> None:
    result = climb(inverted_residuals(), EXAMPLES, measure=lambda _quantized: 0.001)
    assert [each.rung for each in result.steps] == ["ranges"]
    assert result.is_reached
    assert result.shortfall(0.005) == 0.0


def test_progress_names_the_rungs() -> None:
    told: list[str] = []
    options = LadderOptions(rungs=(Rung.BIAS,))
    climb(inverted_residuals(), EXAMPLES, options, progress=lambda rung, *_: told.append(rung))
    assert list(dict.fromkeys(told)) == ["ranges", "bias"]


def test_no_examples_are_refused() -> None:
    with pytest.raises(InputError, match="no calibration examples"):
        climb(inverted_residuals(), [])


def test_known_ranges_are_kept() -> None:
    options = LadderOptions(known_ranges={"image": TensorRange(-2.0, 2.0)})
    found = climb(inverted_residuals(), EXAMPLES, options).quantized.activations["image"]
    assert found.scale == pytest.approx(4.0 / 255, rel=1e-6)


def test_searched_ranges_are_no_worse_on_their_examples() -> None:
    graph = inverted_residuals()
    quantized = plain(graph)
    error = OutputError(graph, EXAMPLES)
    ranges = {
        name: TensorRange(-each.zero_point * each.scale, (255 - each.zero_point) * each.scale)
        for name, each in quantized.activations.items()
    }
    found = search_ranges(quantized, ranges, error, search=RangeSearch(tensors=3, sweeps=1))
    assert found.noise <= error.noise(quantized)
    assert error.noise(found.quantized) == pytest.approx(found.noise)


def test_another_range_keeps_the_biases_they_stand_for() -> None:
    quantized = plain(inverted_residuals())
    node = next(each for each in quantized.graph.nodes if each.inputs[0] == "image")
    found = with_range(quantized, ["image"], TensorRange(-3.0, 3.0))
    before, after = (each.weights[node.inputs[2]] for each in (quantized, found))
    steps = np.maximum(before.scale, after.scale)
    assert np.all(np.abs(before.values * before.scale - after.values * after.scale) <= steps)


def test_layers_left_in_float_stay_within_their_share_and_help() -> None:
    graph = inverted_residuals()
    quantized, error = plain(graph), OutputError(graph, EXAMPLES)
    found = leave_in_float(quantized, error, most_share=0.3)
    work = multiplications(graph)
    in_float = [each for each in graph.nodes if found.precision(each) is Precision.FLOAT]
    assert in_float
    assert sum(work.get(each.name, 0) for each in in_float) <= 0.3 * sum(work.values())
    assert error.noise(found) < error.noise(quantized)
