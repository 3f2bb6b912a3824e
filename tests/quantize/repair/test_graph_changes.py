"""Rungs that change the float graph keep what it computes and bring int8 closer to it."""

import numpy as np
import pytest
import tiny_onnx_models as tiny
from repair_networks import EXAMPLES, inverted_residuals, is_same, snr_db

from quantize.calibration import CalibrationOptions
from quantize.importers.onnx_importer import import_model
from quantize.repair.careful_ranges import RangeRules, choose_ranges
from quantize.repair.channel_gates import open_gates
from quantize.repair.channel_groups import find_channel_groups
from quantize.repair.equalization import equalise, equalise_channels
from quantize.repair.noise_gain import noise_gains
from quantize.repair.shortcut_folding import (
    fold_cheap_shortcuts,
    fold_shortcuts,
    foldable_shortcuts,
)
from quantize.repair.stream_rotation import find_streams, rotate_streams

CHANGES = [
    pytest.param(lambda graph: equalise_channels(graph, EXAMPLES), id="equalise"),
    pytest.param(open_gates, id="open gates"),
    pytest.param(lambda graph: rotate_streams(graph, EXAMPLES), id="rotate streams"),
    pytest.param(
        lambda graph: fold_shortcuts(graph, frozenset(foldable_shortcuts(graph))),
        id="fold shortcuts",
    ),
    pytest.param(
        lambda graph: equalise_channels(
            rotate_streams(fold_cheap_shortcuts(graph), EXAMPLES), EXAMPLES
        ),
        id="all",
    ),
]
MODELS = [tiny.residual_cnn, tiny.depthwise_cnn, tiny.concat_cnn, tiny.gated_cnn]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("build", MODELS)
def test_a_changed_graph_computes_the_same(build, change) -> None:
    graph = import_model(build())
    assert is_same(graph, change(graph))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("gate", ["HardSwish", "SiLU"])
def test_a_changed_gated_graph_computes_the_same(gate, change) -> None:
    graph = inverted_residuals(gate=gate)
    assert is_same(graph, change(graph))


@pytest.mark.parametrize("gate", ["HardSwish", "SiLU"])
def test_unlike_channels_behind_gates_and_shortcuts_gain(gate) -> None:
    graph = inverted_residuals(gate=gate)
    before = choose_ranges(graph, EXAMPLES, RangeRules({}, {}, {}, CalibrationOptions()))
    equal = equalise(graph, EXAMPLES)
    rules = RangeRules({}, equal.floors, {}, CalibrationOptions())
    after = choose_ranges(equal.graph, EXAMPLES, rules)
    assert snr_db(graph, after.quantized) > snr_db(graph, before.quantized) + 3.0


def test_a_sum_binds_the_channels_of_its_operands() -> None:
    graph = inverted_residuals()
    groups = find_channel_groups(open_gates(graph))
    add = next(
        node for node in graph.nodes if node.op == "Add" and node.outputs[0].startswith("a_out")
    )
    one, other = (groups.classes[name] for name in add.inputs)
    assert np.array_equal(one, other)
    assert groups.is_free[one].all()


def test_inputs_outputs_and_gates_keep_their_size() -> None:
    graph = import_model(tiny.gated_cnn())
    groups = find_channel_groups(graph)
    gates = [node.outputs[0] for node in graph.nodes if node.op in {"Sigmoid", "Clip"}]
    for name in (*graph.inputs, *graph.outputs, *gates):
        assert not groups.is_free[groups.classes[name]].any()


def test_a_gate_is_left_alone_where_opening_it_frees_nothing() -> None:
    build = tiny.ModelBuilder()
    build.node("HardSwish", ["image"], "act")
    build.conv("act", "out", (3, 4))
    graph = import_model(build.model({"image": (1, 3, 16, 16)}, {"out": None}))
    equal = equalise_channels(graph, EXAMPLES)
    assert [node.op for node in equal.nodes] == [node.op for node in graph.nodes]


def test_floors_follow_the_factors() -> None:
    found = equalise(inverted_residuals(), EXAMPLES)
    assert found.floors
    assert all(floor <= 0.0 for floor in found.floors.values())


def test_streams_are_what_only_dense_layers_and_sums_touch() -> None:
    graph = inverted_residuals()
    first = next(iter(foldable_shortcuts(graph)))
    folded = fold_shortcuts(graph, frozenset({first}))
    assert not find_streams(graph)  # the first shortcut begins behind a gate
    (stream,) = find_streams(folded)
    assert {node.op for node in (*stream.writers, *stream.readers)} == {"Conv"}


def test_noise_is_multiplied_by_squared_weights_and_divided_by_pooling() -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "a", (3, 2), kernel=1)
    build.node("GlobalAveragePool", ["a"], "out")
    graph = import_model(build.model({"image": (1, 3, 4, 4)}, {"out": None}))
    weights = graph.constants[graph.nodes[0].inputs[1]].astype(np.float64)
    expected = np.square(weights).sum(axis=(0, 2, 3)) / 16
    assert noise_gains(graph)["image"] == pytest.approx(expected)
