"""Which nodes run on integers: convolutional networks throughout, attention and recurrence not."""

from collections import Counter

import numpy as np
import onnx
import tiny_onnx_models as tiny

from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import Precision

INT8, DYNAMIC, FLOAT = Precision.INT8, Precision.DYNAMIC, Precision.FLOAT


def planned(model: onnx.ModelProto) -> tuple[FloatGraph, dict[str, Precision]]:
    graph = import_model(model)
    return graph, plan_precisions(graph)


def attention(*, convolutions: int) -> onnx.ModelProto:
    """Some convolutions, then one head of attention over their positions."""
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
    build.node("ReduceMean", ["mixed"], "out", axes=[1], keepdims=0)
    return build.model({"image": (1, 3, 8, 8)}, {"out": None})


def test_a_convolutional_network_is_integer_throughout() -> None:
    for build in (tiny.residual_cnn, tiny.depthwise_cnn, tiny.gated_cnn, tiny.concat_cnn):
        _, plan = planned(build())
        assert set(plan.values()) == {INT8}


def test_attention_gets_dynamic_products_and_floats_around_them() -> None:
    graph, plan = planned(attention(convolutions=0))
    by_op = {node.op: plan[node.name] for node in graph.nodes}
    assert by_op["Gemm"] is DYNAMIC
    assert by_op["MatMul"] is FLOAT
    assert by_op["Softmax"] is FLOAT


def test_convolutions_that_are_most_of_the_work_before_attention_stay_integer() -> None:
    graph, plan = planned(attention(convolutions=3))
    assert {plan[node.name] for node in graph.nodes if node.op == "Conv"} == {INT8}
    assert {plan[node.name] for node in graph.nodes if node.op == "Gemm"} == {DYNAMIC}


def test_recurrent_layers_are_dynamic() -> None:
    build = tiny.ModelBuilder()
    build.weight("w", (1, 32, 4))
    build.weight("r", (1, 32, 8))
    build.node("Transpose", ["series"], "steps", perm=[1, 0, 2])
    build.nodes.append(
        onnx.helper.make_node("LSTM", ["steps", "w", "r"], ["", "last", ""], hidden_size=8)
    )
    build.constant("row", [1, 8], np.int64)
    build.node("Reshape", ["last", "row"], "flat")
    build.gemm("flat", "out", (8, 2))
    graph, plan = planned(build.model({"series": (1, 5, 4)}, {"out": None}))
    counted = Counter(plan[node.name] for node in graph.nodes if node.op in {"LSTM", "Gemm"})
    assert counted == {DYNAMIC: 2}


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
