"""The ladder keeps what helps, stops when it is enough, and says when it is not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import tiny_onnx_models as tiny
from repair_networks import (
    EXAMPLES,
    TEST,
    answers,
    inverted_residuals,
    parameters,
    plain,
    snr_db,
)

from edge.errors import InputError
from quantize.calibration import TensorRange
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.repair.cost import Cost
from quantize.repair.float_input import leave_input_in_float
from quantize.repair.ladder import LadderOptions, climb
from quantize.repair.mixed_precision import leave_first_in_float, leave_in_float
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


RUNGS = (Rung.BIAS, Rung.SEARCH, Rung.MIXED)
"""One that is always climbed, and two that are not."""

LIMITED = LadderOptions(rungs=RUNGS, limits=Cost(drop=0.1, flips=0.01))


def costs(*found: Cost) -> Callable[[QuantizedGraph], Cost]:
    """A measure that gives these in turn, the last again and again."""
    left = list(found)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("cost", [Cost(0.1, 0.01), Cost(-0.2, 0.0)])
def test_what_costs_little_enough_climbs_no_expensive_rung(cost) -> None:
    result = climb(inverted_residuals(), EXAMPLES, LIMITED, measure=costs(cost))
    assert [each.rung for each in result.steps] == ["ranges", "bias"]
    assert result.is_reached
    assert result.cost == cost


@pytest.mark.parametrize("cost", [Cost(0.3, 0.0), Cost(0.0, 0.02)])
def test_a_drop_or_flips_over_the_limit_climb_on(cost) -> None:
    result = climb(inverted_residuals(), EXAMPLES, LIMITED, measure=costs(cost))
    assert len(result.steps) == 1 + len(RUNGS)
    assert not result.is_reached


def test_a_rung_after_which_the_cost_is_within_limits_is_the_last() -> None:
    options = replace(LIMITED, rungs=(Rung.MIXED, Rung.ROUND), float_shares=(0.5, 0.9))
    measure = costs(Cost(0.0, 0.02), Cost(0.0, 0.0))
    result = climb(inverted_residuals(), EXAMPLES, options, measure=measure)
    assert [each.rung for each in result.steps] == ["ranges", "mixed"]
    assert result.is_reached


def test_a_rung_whose_drop_grows_beyond_the_limit_is_undone() -> None:
    measure = costs(Cost(0.2, 0.0), Cost(0.3, 0.0))
    result = climb(inverted_residuals(), EXAMPLES, LIMITED, measure=measure)
    assert not any(each.is_kept for each in result.steps if each.cost)
    assert result.cost == Cost(0.2, 0.0)


def test_without_a_measure_every_rung_is_climbed() -> None:
    result = climb(inverted_residuals(), EXAMPLES, LIMITED)
    assert len(result.steps) == 1 + len(RUNGS)
    assert result.is_reached
    assert result.cost is None


def test_no_rung_is_kept_that_makes_held_out_answers_worse() -> None:
    options = LadderOptions(rungs=FULL_RUNGS)
    for step in climb(inverted_residuals(), EXAMPLES, options).steps:
        # A change of the graph is judged on the other half of the examples instead.
        if step.is_kept and step.rung not in {"ranges", "equalise", "rotate", "beginning"}:
            assert step.after > step.before


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


def test_the_layer_that_reads_the_input_is_left_in_float_where_it_is_little_work() -> None:
    graph = inverted_residuals()
    quantized = plain(graph)
    share = multiplications(graph)[graph.nodes[0].name] / sum(multiplications(graph).values())
    found = leave_input_in_float(quantized, most_share=share + 1e-9)
    in_float = [each.op for each in graph.nodes if found.precision(each) is Precision.FLOAT]
    assert in_float == ["Conv"]
    assert "image" not in found.activations
    assert np.isfinite(answers(found)).all()
    assert leave_input_in_float(quantized, most_share=share * 0.99) is quantized


def test_noise_is_the_mean_over_outputs_of_noise_over_signal() -> None:
    graph = inverted_residuals()
    quantized = plain(graph)
    wanted = 10.0 ** (-snr_db(graph, quantized) / 10.0)
    assert OutputError(graph, TEST).noise(quantized) == pytest.approx(wanted, rel=1e-6)


def fine_signal() -> FloatGraph:
    """A small first layer that takes differences of an input with more than 256 levels."""
    build = tiny.ModelBuilder(seed=5)
    difference = build.constant("difference", np.array([1.0, -1.0]).reshape(1, 1, 1, 2))
    build.node("Conv", ["image", difference], "slope", kernel_shape=(1, 2))
    build.conv("slope", "wide", (1, 32), kernel=1)
    build.node("Relu", ["wide"], "positive")
    build.conv("positive", "deep", (32, 32), kernel=1)
    build.node("GlobalAveragePool", ["deep"], "pooled")
    build.node("Flatten", ["pooled"], "flat", axis=1)
    build.gemm("flat", "logits", (32, 4))
    return import_model(build.model({"image": ("N", 1, 1, 64)}, {"logits": ("N", 4)}))


def signals(count: int, seed: int) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    slopes = 0.005 * random.normal(0, 1, (count, 1)) + 0.003 * random.normal(0, 1, (count, 64))
    found = np.cumsum(slopes, axis=1) + random.normal(0, 2, (count, 1))
    return [{"image": each.reshape(1, 1, 1, 64).astype(np.float32)} for each in found]


def test_what_8_bits_take_from_a_fine_signal_is_kept_by_a_first_layer_in_float() -> None:
    graph, examples, test = fine_signal(), signals(32, 1), signals(32, 2)
    rungs = (Rung.BIAS, Rung.COMPENSATE)
    without = climb(graph, examples, LadderOptions(rungs=rungs))
    found = climb(graph, examples, LadderOptions(rungs=(*rungs, Rung.INPUT)))
    error = OutputError(graph, test)
    assert found.steps[-1].is_kept
    assert error.snr_db(found.quantized) > error.snr_db(without.quantized) + 6.0


def test_the_first_layers_are_left_in_float_as_far_as_their_share_goes() -> None:
    graph = inverted_residuals()
    quantized, work = plain(graph), multiplications(graph)
    found = leave_first_in_float(quantized, most_share=0.5)
    in_float = [each.name for each in graph.nodes if found.precision(each) is Precision.FLOAT]
    assert in_float == [each.name for each in graph.nodes][: len(in_float)]
    share = sum(work.get(name, 0) for name in in_float) / sum(work.values())
    assert 0.1 < share <= 0.5
    assert leave_first_in_float(quantized, most_share=0.0) is quantized


def test_more_is_left_in_float_while_the_limits_are_not_kept() -> None:
    options = replace(LIMITED, rungs=(Rung.MIXED,), float_shares=(0.3, 0.6))
    result = climb(inverted_residuals(), EXAMPLES, options, measure=costs(Cost(0.0, 0.5)))
    assert [each.rung for each in result.steps] == ["ranges", "mixed", "mixed"]
    graph, work = result.quantized.graph, multiplications(result.quantized.graph)
    floats = [each for each in graph.nodes if result.quantized.precision(each) is Precision.FLOAT]
    assert 0 < sum(work.get(each.name, 0) for each in floats) <= 0.6 * sum(work.values())
