"""Ranges with room to spare, where a node prescribes what its scale is."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_onnx_models as tiny
from repair_networks import EXAMPLES, inverted_residuals, parameters, plain, snr_db

from quantize.calibration import CalibrationOptions, calibrate
from quantize.calibration_options import RangeMethod
from quantize.importers.onnx_importer import import_model
from quantize.quantized_graph import Precision
from quantize.repair.careful_ranges import RangeRules, choose_ranges
from quantize.repair.ladder import LadderOptions, climb
from quantize.repair.rungs import Rung


def sigmoid_then_pooling():
    """A Sigmoid, whose scale is given, and a pooling that shares it."""
    build = tiny.ModelBuilder()
    build.conv("image", "stem", (3, 8))
    build.node("Sigmoid", ["stem"], "gate")
    build.node("MaxPool", ["gate"], "down", kernel_shape=[2, 2], strides=[2, 2])
    build.conv("down", "last", (8, 8))
    build.node("GlobalAveragePool", ["last"], "pooled")
    build.node("Flatten", ["pooled"], "flat", axis=1)
    build.gemm("flat", "logits", (8, 4))
    return import_model(build.model({"image": (1, 3, 16, 16)}, {"logits": (1, 4)}))


def test_what_shares_a_prescribed_scale_gets_no_more_room_than_it() -> None:
    quantized = climb(sigmoid_then_pooling(), EXAMPLES, LadderOptions(rungs=())).quantized
    pooling = next(node for node in quantized.graph.nodes if node.op == "MaxPool")
    before, after = (
        quantized.activations[name] for name in (pooling.inputs[0], pooling.outputs[0])
    )
    assert before == after
    assert before.scale == 1 / 256


def test_an_interrupted_climb_goes_on_in_every_rung(tmp_path: Path, caplog) -> None:
    """What one rung kept is not taken for another's, and nothing is said of it."""
    plain = climb(inverted_residuals(), EXAMPLES).quantized
    options = LadderOptions(checkpoint=tmp_path / "climb")
    with caplog.at_level(logging.WARNING):
        kept = [climb(inverted_residuals(), EXAMPLES, options).quantized for _ in range(2)]
    assert caplog.records == []
    assert {path.name[:6] for path in tmp_path.iterdir()} == {"climb-"}
    assert parameters(plain) == parameters(kept[0]) == parameters(kept[1])


def test_layers_left_in_float_have_a_checkpoint_of_their_own(tmp_path: Path, caplog) -> None:
    """The graph is the same, but fewer of its activations are watched."""
    graph = inverted_residuals()
    first = next(node.name for node in graph.nodes if node.op == "Conv")
    with caplog.at_level(logging.WARNING):
        for precisions in ({}, {first: Precision.FLOAT}):
            rules = RangeRules({}, {}, precisions, CalibrationOptions(), tmp_path / "climb")
            choose_ranges(graph, EXAMPLES, rules)
    assert caplog.records == []
    assert len(list(tmp_path.iterdir())) == 4


def gated(gate: str):
    """A convolution with outputs from about -40 to 40 before its gate."""
    build = tiny.ModelBuilder()
    build.conv("image", "small", (3, 8))
    build.node("Mul", ["small", build.constant("gain", 20.0)], "stem")
    if gate == "HardSwish":
        build.node("HardSwish", ["stem"], "act")
    else:
        build.node("Sigmoid", ["stem"], "gate")
        build.node("Mul", ["stem", "gate"], "act")
    build.conv("act", "last", (8, 8))
    build.node("GlobalAveragePool", ["last"], "pooled")
    build.node("Flatten", ["pooled"], "flat", axis=1)
    build.gemm("flat", "logits", (8, 4))
    return import_model(build.model({"image": (1, 3, 16, 16)}, {"logits": (1, 4)}))


@pytest.mark.parametrize(("gate", "lowest"), [("HardSwish", -3.0), ("SiLU", -5.0)])
def test_no_levels_are_spent_where_a_gate_is_shut(gate, lowest) -> None:
    """Below -3 a hard-swish is 0, and below -5 a SiLU is within 0.04 of it."""
    graph = gated(gate)
    stem = next(node.outputs[0] for node in graph.nodes if node.op == "Conv")
    before = plain(graph)
    found = choose_ranges(graph, EXAMPLES, RangeRules({}, {}, {}, CalibrationOptions())).quantized

    def reach(quantized):
        params = quantized.activations[stem]
        return -params.zero_point * params.scale

    assert reach(before) < 2 * lowest
    assert reach(found) == pytest.approx(lowest, abs=found.activations[stem].scale)
    assert snr_db(graph, found) > snr_db(graph, before) + 1.0


def test_what_a_gate_shares_its_scale_with_keeps_its_range() -> None:
    """The pooling before a gate shares its scale; what else reads the pooled tensor needs all."""
    build = tiny.ModelBuilder()
    build.conv("image", "small", (3, 8))
    build.node("Mul", ["small", build.constant("gain", 20.0)], "stem")
    build.node("MaxPool", ["stem"], "down", kernel_shape=[2, 2], strides=[2, 2])
    build.node("HardSwish", ["down"], "act")
    build.conv("act", "out", (8, 4))
    graph = import_model(build.model({"image": (1, 3, 16, 16)}, {"out": None}))
    found = choose_ranges(graph, EXAMPLES, RangeRules({}, {}, {}, CalibrationOptions())).quantized
    pool = next(node for node in graph.nodes if node.op == "MaxPool")
    before, after = (found.activations[name] for name in (pool.inputs[0], pool.outputs[0]))
    assert before == after
    assert before.zero_point * before.scale > 6.0


NAMED = [each for each in RangeMethod if each is not RangeMethod.AUTO]


@pytest.mark.parametrize("method", NAMED)
def test_a_method_that_is_named_makes_the_ranges(method: RangeMethod) -> None:
    """What it gives on each half of the examples, joined: nothing is chosen by the outputs."""
    graph = import_model(tiny.concat_cnn())
    options = CalibrationOptions(method=method)
    found = choose_ranges(graph, EXAMPLES, RangeRules({}, {}, {}, options)).ranges
    halves = [calibrate(graph, EXAMPLES[first::2], options=options) for first in (0, 1)]
    for name, each in found.items():
        wanted = [half[name] for half in halves]
        high = max(one.high for one in wanted)
        assert each.high == pytest.approx(high)
        if each.low:  # what a ReLU bounds begins at 0 whatever was seen
            assert each.low == pytest.approx(min(one.low for one in wanted))


@pytest.mark.parametrize("method", [RangeMethod.MINMAX, RangeMethod.ENTROPY])
def test_no_rung_moves_the_ranges_of_a_method_that_is_named(method: RangeMethod) -> None:
    graph = import_model(tiny.concat_cnn())
    options = LadderOptions(rungs=(), calibration=CalibrationOptions(method=method))
    searched = replace(options, rungs=(Rung.SEARCH,))
    before, after = (climb(graph, EXAMPLES, each).quantized for each in (options, searched))
    assert before.activations == after.activations
