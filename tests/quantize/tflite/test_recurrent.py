"""LSTM, GRU and RNN give onnxruntime's answers, twice in a row, in float and with int8 weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sketches import Sketch, random_inputs, run_float
from tflite_cases import (
    float_error,
    interpreter,
    operator_names,
)

from edge.errors import UnsupportedInputError
from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import Precision, QuantizedGraph, QuantizedWeight, float_form
from quantize.tflite.schema import load_schema
from quantize.tflite_model import write_tflite

_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
_HIDDEN, _INPUTS = 4, 3
_NHWC = (0, 2, 3, 1)


def _recurrent(
    op: str,
    *,
    direction: str = "forward",
    state: str = "none",
    size: tuple[int, int] = (5, 2),
    **attributes: Any,
) -> FloatGraph:
    sketch = Sketch(np.random.default_rng(3))
    steps, batch = size
    directions = 2 if direction == "bidirectional" else 1
    rows = _GATES[op] * _HIDDEN
    inputs = [
        sketch.input(steps, batch, _INPUTS),
        sketch.random(directions, rows, _INPUTS),
        sketch.random(directions, rows, _HIDDEN, spread=0.5),
        sketch.random(directions, 2 * rows, spread=0.3),
    ]
    if state != "none":
        shape = (directions, batch, _HIDDEN)
        make = sketch.input if state == "input" else sketch.random
        inputs += ["", make(*shape), *([make(*shape)] if op == "LSTM" else [])]
    outputs = ("all", "last", *(["cell"] if op == "LSTM" else []))
    attributes |= {"hidden_size": _HIDDEN, "direction": direction}
    sketch.nodes.append(Node(op, tuple(inputs), outputs, attributes, name="layer"))
    return sketch.graph(*outputs)


@pytest.mark.parametrize("state", ["none", "constant", "input"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("op", ["GRU", "LSTM", "RNN"])
def test_every_direction_and_initial_state(op: str, direction: str, state: str) -> None:
    assert float_error(_recurrent(op, direction=direction, state=state)) <= 2e-6


@pytest.mark.parametrize("state", ["none", "constant"])
@pytest.mark.parametrize("size", [(1, 1), (3, 1), (2, 3)])
@pytest.mark.parametrize("reset", [0, 1])
def test_a_gru_resets_before_or_after_it_multiplies(
    reset: int, state: str, size: tuple[int, int]
) -> None:
    graph = _recurrent("GRU", state=state, size=size, linear_before_reset=reset)
    assert float_error(graph) <= 2e-6


def test_outputs_that_nobody_reads_are_not_computed() -> None:
    graph = _recurrent("LSTM")
    last = replace(graph, outputs=("last",))
    assert float_error(last) <= 2e-6
    assert "CONCATENATION" not in operator_names(write_tflite(float_form(last), io="float32"))


def test_a_second_invocation_does_not_remember_the_first() -> None:
    graph = _recurrent("LSTM")
    engine = interpreter(write_tflite(float_form(graph), io="float32"))
    [detail] = engine.get_input_details()
    values = random_inputs(graph, 1)
    answers = []
    for _ in range(2):
        engine.set_tensor(detail["index"], next(iter(values.values())))
        engine.invoke()
        answers.append(engine.get_tensor(engine.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(*answers)
    expected = run_float(graph, values)["all"].transpose(_NHWC)
    np.testing.assert_allclose(answers[0], expected, atol=2e-6)


def test_sequences_of_different_lengths_are_refused() -> None:
    graph = _recurrent("LSTM", state="constant")
    [node] = graph.nodes
    inputs = (*node.inputs[:4], "lengths", *node.inputs[5:])
    lengths = {**graph.constants, "lengths": np.array([5, 4], np.int32)}
    uneven = replace(graph, nodes=(replace(node, inputs=inputs),), constants=lengths)
    with pytest.raises(UnsupportedInputError, match="sequence_lens; pad the series"):
        write_tflite(float_form(uneven))
    even = replace(uneven, constants={**lengths, "lengths": np.array([5, 5], np.int32)})
    assert write_tflite(float_form(even), io="float32")


def _dynamic(graph: FloatGraph) -> QuantizedGraph:
    """Int8 weights with a scale a row."""
    [node] = graph.nodes
    weights = {}
    for name in node.inputs[1:3]:
        values = graph.constants[name]
        scale = (np.abs(values).max(axis=2, keepdims=True) / 127).astype(np.float32)
        steps = np.rint(values / scale).astype(np.int8)
        weights[name] = QuantizedWeight(steps, scale.reshape(-1))
    return QuantizedGraph(graph, {}, weights, {node.name: Precision.DYNAMIC})


@pytest.mark.parametrize("op", ["GRU", "LSTM", "RNN"])
def test_int8_weights_are_shared_by_all_steps(op: str) -> None:
    graph = _recurrent(op, direction="bidirectional", size=(12, 1))
    case = _dynamic(graph)
    content = write_tflite(case, io="float32")
    schema = load_schema()
    model = schema.ModelT.InitFromPackedBuf(content)
    [subgraph] = model.subgraphs
    constants = [each.name for each in subgraph.tensors if each.type == schema.TensorType.INT8]
    assert len(constants) == (6 if op == "GRU" else 4)
    values = random_inputs(graph, 1)
    engine = interpreter(content)
    engine.set_tensor(engine.get_input_details()[0]["index"], values["input0"])
    engine.invoke()
    actual = engine.get_tensor(engine.get_output_details()[0]["index"])
    expected = run_float(graph, values)["all"].transpose(_NHWC)
    noise = np.square(actual - expected).mean()
    assert 10 * np.log10(np.square(expected).mean() / noise) > 30


@pytest.mark.parametrize("op", ["GRU", "LSTM", "RNN"])
def test_the_inputs_part_is_float_where_its_weights_are(op: str) -> None:
    """And then nothing is rounded but the state and its weights."""
    graph = _recurrent(op, size=(12, 1))
    case = _dynamic(graph)
    [node] = graph.nodes
    own, recurrence = node.inputs[1:3]
    content = write_tflite(
        replace(case, weights={recurrence: case.weights[recurrence]}), io="float32"
    )
    schema = load_schema()
    [subgraph] = schema.ModelT.InitFromPackedBuf(content).subgraphs
    shapes = {tuple(each.shape) for each in subgraph.tensors if each.type == schema.TensorType.INT8}
    assert shapes
    assert {shape[1] for shape in shapes} == {_HIDDEN}
    zeroed = {**graph.constants, recurrence: np.zeros_like(graph.constants[recurrence])}
    still = replace(case, graph=replace(graph, constants=zeroed))
    integers = replace(
        case.weights[recurrence], values=np.zeros_like(case.weights[recurrence].values)
    )
    still = replace(still, weights={recurrence: integers})
    values = random_inputs(graph, 1)
    engine = interpreter(write_tflite(still, io="float32"))
    engine.set_tensor(engine.get_input_details()[0]["index"], values["input0"])
    engine.invoke()
    actual = engine.get_tensor(engine.get_output_details()[0]["index"])
    expected = run_float(still.graph, values)["all"].transpose(_NHWC)
    np.testing.assert_allclose(actual, expected, atol=2e-6)
    assert own not in still.weights
