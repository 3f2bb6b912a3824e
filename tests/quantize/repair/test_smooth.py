"""Smoothing keeps what a graph computes and brings a transformer of loud channels closer to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sequence_networks import (
    HEADS,
    TOKENS,
    WIDTH,
    dynamic,
    encoder,
    float_answers,
    quantized,
    series,
    snr_db,
)
from signal_to_noise import centred_snr_db

from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import Precision
from quantize.repair.channel_readers import find_readers
from quantize.repair.ladder import LadderOptions, climb
from quantize.repair.rungs import FULL_RUNGS
from quantize.repair.smooth import smooth
from quantize.tflite_model import write_tflite

EXAMPLES = series(8, (1, TOKENS, WIDTH))
TEST = series(8, (1, TOKENS, WIDTH), seed=2)


def node_of(graph: FloatGraph, op: str, at: int = 0) -> Node:
    return [node for node in graph.nodes if node.op == op][at]


@pytest.mark.parametrize("activation", ["Relu", "Sigmoid"])
@pytest.mark.parametrize("loud", [1.0, 30.0])
def test_a_smoothed_graph_computes_the_same(loud: float, activation: str) -> None:
    graph = encoder(loud=loud, activation=activation)
    before = float_answers(graph, TEST)
    after = float_answers(smooth(graph, EXAMPLES, dynamic(graph)), TEST)
    assert np.abs(after - before).max() <= 1e-4 * np.ptp(before)


def test_loud_channels_cost_less_in_onnx() -> None:
    graph = encoder(loud=30.0)
    smoothed = smooth(graph, EXAMPLES, dynamic(graph))
    gain = snr_db(graph, quantized(smoothed), TEST) - snr_db(graph, quantized(graph), TEST)
    assert gain > 6


def test_loud_channels_cost_less_in_tflite() -> None:
    from ai_edge_litert.interpreter import Interpreter

    graph = encoder(loud=30.0)

    def found(case: FloatGraph) -> float:
        engine = Interpreter(model_content=write_tflite(quantized(case), io="float32"))
        engine.allocate_tensors()
        rows = []
        for each in TEST:
            engine.set_tensor(engine.get_input_details()[0]["index"], each["x"])
            engine.invoke()
            rows.append(engine.get_tensor(engine.get_output_details()[0]["index"]).copy())
        return centred_snr_db(float_answers(graph, TEST), np.concatenate(rows))

    assert found(smooth(graph, EXAMPLES, dynamic(graph))) > found(graph) + 6


def test_where_no_channel_is_loud_the_graph_is_left_as_it_is() -> None:
    graph = encoder(loud=1.0)
    random = np.random.default_rng(1)
    even = [{"x": random.normal(0, 1, (1, TOKENS, WIDTH)).astype(np.float32)} for _ in EXAMPLES]
    assert smooth(graph, even, dynamic(graph)) is graph


def test_only_dynamic_products_are_smoothed() -> None:
    graph = encoder(loud=30.0)
    floats = {node.name: Precision.FLOAT for node in graph.nodes}
    assert smooth(graph, EXAMPLES, floats) is graph


def test_the_same_examples_give_the_same_graph() -> None:
    graph = encoder(loud=30.0)
    first, second = (smooth(graph, EXAMPLES, dynamic(graph)) for _ in range(2))
    assert first.constants.keys() == second.constants.keys()
    for name, values in first.constants.items():
        np.testing.assert_array_equal(values, second.constants[name])


def test_a_normalisation_is_read_by_the_three_products_of_attention() -> None:
    graph = encoder(loud=1.0)
    readers = find_readers(graph, node_of(graph, "LayerNormalization"))
    assert [each.node.op for each in readers] == ["Gemm"] * 3
    assert all((each.channels == np.arange(WIDTH)).all() for each in readers)


def test_values_reach_the_product_behind_attention_head_by_head() -> None:
    graph = encoder(loud=1.0)
    queries, keys, values, merge, wide, narrow = (node for node in graph.nodes if node.op == "Gemm")
    [reader] = find_readers(graph, values)
    assert reader.node is merge
    assert (reader.channels == np.arange(WIDTH)).all()
    assert WIDTH % HEADS == 0
    assert [each.node for each in find_readers(graph, wide)] == [narrow]
    for each in (queries, keys, merge, narrow):
        assert find_readers(graph, each) == ()


def test_channels_that_are_given_out_are_not_followed() -> None:
    graph = encoder(loud=1.0)
    normalisation = node_of(graph, "LayerNormalization")
    shown = replace(graph, outputs=(*graph.outputs, normalisation.outputs[0]))
    assert find_readers(shown, normalisation) == ()


def test_the_ladder_smooths_and_compensates_and_climbs_nothing_else() -> None:
    """Rungs for INT8 layers have nothing to do where there are none."""
    graph = encoder(loud=30.0)
    result = climb(graph, EXAMPLES, LadderOptions(rungs=FULL_RUNGS, precisions=dynamic(graph)))
    steps = {step.rung: step.is_kept for step in result.steps}
    assert steps == {"ranges": True, "smooth": True, "compensate": True}
    assert snr_db(graph, result.quantized, TEST) > snr_db(graph, quantized(graph), TEST) + 8
