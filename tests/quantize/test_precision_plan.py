"""Which nodes run on integers: convolutional networks throughout, attention and recurrence not."""

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny

from quantize.graph import FloatGraph, Node
from quantize.importers.onnx_importer import import_model
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import Precision
from quantize.raw_inputs import integer_weights

INT8, DYNAMIC, FLOAT = Precision.INT8, Precision.DYNAMIC, Precision.FLOAT


def planned(model: onnx.ModelProto) -> tuple[FloatGraph, dict[str, Precision]]:
    graph = import_model(model)
    return graph, plan_precisions(graph)


def attention(*, convolutions: int) -> onnx.ModelProto:
    """Some convolutions, then one head of attention over their positions, and a classifier."""
    build = tiny.ModelBuilder()
    source, channels = "image", 3
    for at in range(convolutions):
        build.conv(source, f"conv{at}", (channels, 16))
        source, channels = build.node("Relu", [f"conv{at}"], f"relu{at}"), 16
    build.constant("rows", [1, channels, 64], np.int64)
    build.node("Reshape", [source, "rows"], "flat")
    build.node("Transpose", ["flat"], "tokens", perm=[0, 2, 1])
    for name in ("query", "key", "value"):
        build.weight(f"{name}_w", (channels, 16))
        build.node("MatMul", ["tokens", f"{name}_w"], name)
    build.node("Transpose", ["key"], "turned", perm=[0, 2, 1])
    build.node("MatMul", ["query", "turned"], "scores")
    build.node("Softmax", ["scores"], "weights", axis=-1)
    build.node("MatMul", ["weights", "value"], "mixed")
    build.node("ReduceMean", ["mixed"], "mean", axes=[1], keepdims=0)
    build.gemm("mean", "out", (16, 2))
    return build.model({"image": (1, 3, 8, 8)}, {"out": None})


def series(*, hidden: int, channels: int = 4, embedded: int = 0) -> onnx.ModelProto:
    """Values in time, a product with them where asked for, an LSTM and a classifier."""
    build = tiny.ModelBuilder()
    source, width = "series", channels
    if embedded:
        build.weight("embed_w", (channels, embedded))
        source, width = build.node("MatMul", ["series", "embed_w"], "embedding"), embedded
    build.weight("w", (1, 4 * hidden, width))
    build.weight("r", (1, 4 * hidden, hidden))
    build.node("Transpose", [source], "steps", perm=[1, 0, 2])
    build.nodes.append(
        onnx.helper.make_node("LSTM", ["steps", "w", "r"], ["", "last", ""], hidden_size=hidden)
    )
    build.constant("row", [1, hidden], np.int64)
    build.node("Reshape", ["last", "row"], "flat")
    build.gemm("flat", "out", (hidden, 2))
    return build.model({"series": (1, 5, channels)}, {"out": None})


def first(graph: FloatGraph, op: str) -> Node:
    return next(node for node in graph.nodes if node.op == op)


def test_a_convolutional_network_is_integer_throughout() -> None:
    for build in (tiny.residual_cnn, tiny.depthwise_cnn, tiny.gated_cnn, tiny.concat_cnn):
        _, plan = planned(build())
        assert set(plan.values()) == {INT8}


def products(graph: FloatGraph, plan: dict[str, Precision]) -> list[Precision]:
    return [plan[node.name] for node in graph.nodes if node.op == "Gemm"]


def test_attention_gets_dynamic_products_and_floats_around_them() -> None:
    graph, plan = planned(attention(convolutions=1))
    by_op = {node.op: plan[node.name] for node in graph.nodes if node.op != "Gemm"}
    assert products(graph, plan)[:3] == [DYNAMIC] * 3
    assert by_op["MatMul"] is FLOAT
    assert by_op["Softmax"] is FLOAT


def test_a_head_too_small_to_gain_stays_in_float() -> None:
    graph, plan = planned(attention(convolutions=1))
    assert products(graph, plan)[-1] is FLOAT


def test_a_small_product_with_the_models_own_input_stays_in_float() -> None:
    """It is most of the noise and little of the work; in a larger share it is not."""
    graph, plan = planned(series(hidden=64, embedded=16))
    assert products(graph, plan)[0] is FLOAT
    graph, plan = planned(series(hidden=8, embedded=16))
    assert products(graph, plan)[0] is DYNAMIC


def test_convolutions_that_are_most_of_the_work_before_attention_stay_integer() -> None:
    graph, plan = planned(attention(convolutions=3))
    assert {plan[node.name] for node in graph.nodes if node.op == "Conv"} == {INT8}
    assert products(graph, plan) == [DYNAMIC] * 3 + [FLOAT]


def test_recurrent_layers_are_dynamic() -> None:
    graph, plan = planned(series(hidden=8))
    assert plan[first(graph, "LSTM").name] is DYNAMIC


@pytest.mark.parametrize(
    ("hidden", "channels", "embedded", "positions"),
    [
        pytest.param(32, 4, 0, (2,), id="it meets the model's own input"),
        pytest.param(32, 4, 8, (1, 2), id="a layer stands between"),
        pytest.param(32, 40, 0, (1, 2), id="the input's weights are most of the work"),
        pytest.param(128, 4, 0, (1, 2), id="so wide that integers halve the time"),
    ],
)
def test_weights_of_a_recurrent_layer_that_are_integers(
    hidden: int, channels: int, embedded: int, positions: tuple[int, ...]
) -> None:
    graph, _ = planned(series(hidden=hidden, channels=channels, embedded=embedded))
    assert integer_weights(graph, first(graph, "LSTM")) == positions


def test_an_integer_node_between_float_nodes_goes_back_to_float() -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "conv", (3, 4))
    build.node("Erf", ["conv"], "curved")
    build.node("Relu", ["curved"], "relu")
    build.node("Exp", ["relu"], "out")
    graph, plan = planned(build.model({"image": (1, 3, 8, 8)}, {"out": None}))
    assert {node.op: plan[node.name] for node in graph.nodes} == {
        "Conv": INT8,
        "Erf": FLOAT,
        "Relu": FLOAT,
        "Exp": FLOAT,
    }


def detector_head(*, joined: str) -> onnx.ModelProto:
    """Boxes of up to some hundred pixels beside probabilities, as detectors answer."""
    build = tiny.ModelBuilder()
    build.conv("image", "trunk", (3, 8))
    build.conv("trunk", "box", (8, 4), kernel=1)
    build.node("Mul", ["box", build.constant("stride", 64.0)], "boxes")
    build.conv("trunk", "logits", (8, 5), kernel=1)
    build.node("Sigmoid", ["logits"], "share")
    build.node("MaxPool", ["share"], "kept", kernel_shape=[1, 1])
    build.conv("trunk", "other_logits", (8, 5), kernel=1)
    build.node("Sigmoid", ["other_logits"], "other")
    names = {"wider": "boxes", "alike": "other"}
    build.node("Concat", [names[joined], "kept"], "head", axis=1)
    build.conv("head", "out", ({"wider": 9, "alike": 10}[joined], 6), kernel=1)
    return build.model({"image": (1, 3, 8, 8)}, {"head": None, "out": None})


def test_probabilities_are_joined_with_wider_values_in_float() -> None:
    """One scale for both would leave the probabilities a step or two of 256."""
    _, plan = planned(detector_head(joined="wider"))
    assert plan["head"] is FLOAT
    assert {each for name, each in plan.items() if name != "head"} == {INT8}


def test_probabilities_are_joined_with_probabilities_in_integers() -> None:
    _, plan = planned(detector_head(joined="alike"))
    assert set(plan.values()) == {INT8}
