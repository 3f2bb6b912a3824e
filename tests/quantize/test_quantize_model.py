"""Equalization and bias correction keep the float model and bring int8 closer to it."""

import numpy as np
import pytest
import tiny_onnx_models as tiny
from signal_to_noise import centred_snr_db

from edge.errors import InputError
from quantize.calibration import calibrate
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantize_model import quantize_model
from quantize.quantized_graph import QuantizedGraph
from quantize.quantizer import quantize_graph
from quantize.repair.bias_correction import correct_biases
from quantize.repair.equalization import equalise_channels
from quantize.repair.ladder import LadderOptions, climb
from quantize.repair.rungs import CHEAP_RUNGS, FULL_RUNGS, Rung

MODELS = [tiny.residual_cnn, tiny.depthwise_cnn, tiny.concat_cnn, tiny.gated_cnn]
EXAMPLES = tiny.pictures(16)
TEST = tiny.pictures(32, seed=9)


def answers(graph: FloatGraph | QuantizedGraph, examples: list = TEST) -> np.ndarray:
    is_float = isinstance(graph, FloatGraph)
    model = export_onnx(graph).SerializeToString() if is_float else write_onnx_int8(graph)
    session = open_session(model)
    name = session.get_outputs()[0].name
    return np.concatenate([run_session(session, [name], each)[0] for each in examples])


def plain(graph: FloatGraph) -> QuantizedGraph:
    return quantize_graph(graph, calibrate(graph, EXAMPLES))


def unbalanced_cnn(reader: str) -> FloatGraph:
    """Channels of very different size between two convolutions."""
    build = tiny.ModelBuilder()
    low, high = build.constant("zero", 0.0), build.constant("six", 6.0)
    sizes = np.geomspace(0.01, 1, 8).reshape(8, 1, 1, 1)
    first = build.random.normal(0, 0.5, (8, 3, 3, 3))
    build.node(
        "Conv",
        ["image", build.constant("w", first * sizes), build.constant("b", 0.5 * sizes.ravel())],
        "a",
        pads=[1] * 4,
    )
    build.node("Clip", ["a", low, high], "a6")
    if reader == "depthwise":
        weight = build.constant("w2", build.random.normal(0, 1, (8, 1, 3, 3)) / sizes)
        build.node("Conv", ["a6", weight], "b2", group=8, pads=[1] * 4)
    else:
        weight = build.random.normal(0, 1, (8, 8, 1, 1)) / sizes.reshape(1, 8, 1, 1)
        build.node("Conv", ["a6", build.constant("w2", weight)], "b2")
    return import_model(build.model({"image": (1, 3, 16, 16)}, {"b2": None}))


@pytest.mark.parametrize("build", MODELS)
def test_an_equalised_graph_computes_the_same_on_its_examples(build) -> None:
    graph = import_model(build())
    before = answers(graph, EXAMPLES)
    after = answers(equalise_channels(graph, EXAMPLES), EXAMPLES)
    assert np.abs(after - before).max() <= 1e-4 * (before.max() - before.min())


@pytest.mark.parametrize(("reader", "gain_db"), [("depthwise", 12), ("dense", 6)])
def test_unlike_channels_gain_from_equalization(reader: str, gain_db: float) -> None:
    graph = unbalanced_cnn(reader)
    reference = answers(graph)
    before = centred_snr_db(reference, answers(plain(graph)))
    after = centred_snr_db(reference, answers(plain(equalise_channels(graph, EXAMPLES))))
    assert after > before + gain_db


def test_an_activation_that_meets_its_bound_is_not_scaled_beyond_it() -> None:
    graph = import_model(tiny.depthwise_cnn())
    equal = equalise_channels(graph, EXAMPLES)
    ranges = calibrate(equal, EXAMPLES)
    clipped = [node.outputs[0] for node in equal.nodes if node.op == "Clip"]
    assert clipped
    assert all(ranges[name].high <= 6.0 for name in clipped)


def test_channels_are_brought_to_like_size_through_a_shortcut_too() -> None:
    graph = import_model(tiny.residual_cnn())
    equal = equalise_channels(graph, EXAMPLES)
    stem = graph.nodes[0]
    assert stem.op == "Conv"
    assert not np.array_equal(graph.constants[stem.inputs[1]], equal.constants[stem.inputs[1]])
    before, after = answers(graph, EXAMPLES), answers(equal, EXAMPLES)
    assert np.abs(after - before).max() <= 1e-4 * (before.max() - before.min())


def test_a_constant_shift_of_the_input_is_not_left_in_the_output() -> None:
    build = tiny.ModelBuilder()
    derivative = build.random.normal(0, 1, (4, 3, 3, 3))
    derivative -= derivative.mean(axis=(1, 2, 3), keepdims=True)
    build.node("Conv", ["image", build.constant("w", derivative)], "out")
    graph = import_model(build.model({"image": (1, 3, 16, 16)}, {"out": None}))
    bright = [{"image": 0.9 + 0.1 * each["image"]} for each in tiny.pictures(16)]
    quantized = quantize_graph(graph, calibrate(graph, bright))
    corrected = correct_biases(quantized, bright)
    reference = answers(graph, bright)
    axes = (0, 2, 3)
    before = np.abs((answers(quantized, bright) - reference).mean(axis=axes)).max()
    after = np.abs((answers(corrected, bright) - reference).mean(axis=axes)).max()
    assert after < 0.2 * before


@pytest.mark.parametrize("build", MODELS)
def test_the_recipe_stays_close_to_the_float_model(build) -> None:
    graph = import_model(build())
    reference = answers(graph)
    assert centred_snr_db(reference, answers(quantize_model(graph, EXAMPLES))) > 15


@pytest.mark.parametrize("build", MODELS)
def test_a_rung_is_kept_only_where_it_helps_on_examples_that_ranges_were_not_made_from(
    build,
) -> None:
    graph = import_model(build())
    noise = [
        climb(graph, EXAMPLES, LadderOptions(rungs=rungs)).unseen_noise
        for rungs in ((), (Rung.EQUALISE,), (Rung.EQUALISE, Rung.ROTATE))
    ]
    assert noise == sorted(noise, reverse=True)


def test_the_whole_ladder_climbs_and_says_what_each_rung_did() -> None:
    result = climb(import_model(tiny.gated_cnn()), EXAMPLES, LadderOptions(rungs=FULL_RUNGS))
    # This network has no layer that smooth works on.
    climbed = [rung.value for rung in FULL_RUNGS if rung is not Rung.SMOOTH]
    assert [each.rung for each in result.steps] == ["ranges", *climbed]
    assert result.is_reached
    answers(result.quantized)


def test_the_recipe_gives_the_same_integers_twice() -> None:
    graph = import_model(tiny.gated_cnn())
    first, second = (quantize_model(graph, EXAMPLES) for _ in range(2))
    assert write_onnx_int8(first) == write_onnx_int8(second)


def test_every_stage_tells_its_progress() -> None:
    told: list[tuple[str, int, int]] = []
    graph = import_model(tiny.residual_cnn())
    quantize_model(graph, tiny.pictures(2), progress=lambda *each: told.append(each))
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    # A rung with nothing to work on tells nothing.
    assert stages == ["ranges", *(each.value for each in CHEAP_RUNGS if each.value in stages)]
    assert {"equalise", "rotate", "bias", "compensate"} < set(stages)
    assert all(0 < done <= total for _, done, total in told)


def test_no_examples_are_refused() -> None:
    with pytest.raises(InputError, match="no calibration examples"):
        quantize_model(import_model(tiny.residual_cnn()), [])
