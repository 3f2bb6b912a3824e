"""DYNAMIC layers in ONNX: integers where they are faster, else weights that are only stored so."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from onnx import helper

from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.quantizer import quantize_graph

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def product(rows: int, width: int) -> FloatGraph:
    build = tiny.ModelBuilder()
    build.node("MatMul", ["x", build.weight("w", (width, width))], "y")
    return import_model(build.model({"x": (1, rows, width)}, {"y": (1, rows, width)}))


def recurrent(op: str, *, hidden: int, channels: int = 5, direction: str = "forward") -> FloatGraph:
    """A recurrent layer that does not read the model's input as it comes."""
    build = tiny.ModelBuilder()
    directions = 2 if direction == "bidirectional" else 1
    rows = _GATES[op] * hidden
    weights = [
        build.weight("w", (directions, rows, channels)),
        build.weight("r", (directions, rows, hidden)),
        build.constant("b", build.random.normal(0, 0.1, (directions, 2 * rows))),
    ]
    build.node("Tanh", ["series"], "bounded")
    build.node("Transpose", ["bounded"], "steps", perm=[1, 0, 2])
    extra = {"linear_before_reset": 1} if op == "GRU" else {}
    build.nodes.append(
        helper.make_node(
            op, ["steps", *weights], ["all"], hidden_size=hidden, direction=direction, **extra
        )
    )
    return import_model(build.model({"series": (1, 7, channels)}, {"all": None}))


def dynamic(graph: FloatGraph) -> QuantizedGraph:
    weighted = {"Gemm", *_GATES}
    return quantize_graph(
        graph,
        {},
        {
            node.name: Precision.DYNAMIC if node.op in weighted else Precision.FLOAT
            for node in graph.nodes
        },
    )


def operators(model: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_from_string(model).graph.node)


def answer(model: bytes, graph: FloatGraph) -> np.ndarray:
    random = np.random.default_rng(4)
    feed = {name: random.normal(0, 1, graph.shapes[name]) for name in graph.inputs}
    feed = {name: values.astype(np.float32) for name, values in feed.items()}
    return run_session(open_session(model), graph.outputs, feed)[0]


def with_rounded_weights(case: QuantizedGraph) -> bytes:
    """The float model, its weights as the integers stand for them."""
    rounded = {
        name: (each.values * each.scale.reshape(*each.values.shape[:-1], 1)).astype(np.float32)
        for name, each in case.weights.items()
    }
    constants = {**case.graph.constants, **rounded}
    return bytes(export_onnx(replace(case.graph, constants=constants)).SerializeToString())


def test_a_product_that_gains_multiplies_integers() -> None:
    found = operators(write_onnx_int8(dynamic(product(32, 64))))
    assert (found["DynamicQuantizeLinear"], found["MatMulInteger"]) == (1, 1)


def test_a_product_too_small_to_gain_has_its_weights_stored_as_integers() -> None:
    case = dynamic(product(4, 16))
    model = write_onnx_int8(case)
    assert not {"DynamicQuantizeLinear", "MatMulInteger"} & set(operators(model))
    np.testing.assert_allclose(
        answer(model, case.graph), answer(with_rounded_weights(case), case.graph), atol=1e-6
    )


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_a_recurrent_layer_without_gain_is_float_on_rounded_weights(
    op: str, direction: str
) -> None:
    case = dynamic(recurrent(op, hidden=12, direction=direction))
    model = write_onnx_int8(case)
    assert operators(model)[op] == 1
    np.testing.assert_allclose(
        answer(model, case.graph), answer(with_rounded_weights(case), case.graph), atol=1e-6
    )
    plain = export_onnx(case.graph).SerializeToString()
    assert len(model) < 0.9 * len(plain)


def test_stored_weights_become_float_when_the_model_is_loaded(tmp_path: Path) -> None:
    """And not at each run: nothing of their arithmetic is left in what onnxruntime executes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    model = write_onnx_int8(dynamic(recurrent("GRU", hidden=12)))
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    left = operators((tmp_path / "loaded.onnx").read_bytes())
    assert not {"Cast", "DequantizeLinear", "Mul"} & set(left)


def test_a_wide_lstm_runs_on_integers() -> None:
    case = dynamic(recurrent("LSTM", hidden=64))
    model = write_onnx_int8(case)
    assert operators(model)["DynamicQuantizeLSTM"] == 1
    wanted = answer(export_onnx(case.graph).SerializeToString(), case.graph)
    noise = np.square(answer(model, case.graph) - wanted).sum()
    assert 10 * np.log10(np.square(wanted).sum() / noise) > 30


def test_an_lstm_on_the_models_own_input_has_its_weights_in_float() -> None:
    build = tiny.ModelBuilder()
    weights = [build.weight("w", (1, 256, 5)), build.weight("r", (1, 256, 64))]
    build.node("Transpose", ["series"], "steps", perm=[1, 0, 2])
    build.nodes.append(helper.make_node("LSTM", ["steps", *weights], ["all"], hidden_size=64))
    graph = import_model(build.model({"series": (1, 7, 5)}, {"all": None}))
    case = quantize_graph(graph, {}, plan_precisions(graph))
    model = write_onnx_int8(case)
    kinds = {
        tuple(each.dims): each.data_type for each in onnx.load_from_string(model).graph.initializer
    }
    assert kinds[1, 256, 5] == onnx.TensorProto.FLOAT
    assert kinds[1, 256, 64] == onnx.TensorProto.INT8
    np.testing.assert_allclose(
        answer(model, graph), answer(with_rounded_weights(case), graph), atol=1e-6
    )
