"""Each pass changes what it says and nothing of what the graph computes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_onnx_models as tiny

from edge.errors import InputError
from quantize.graph import FloatGraph, Node
from quantize.importers.equivalence import check_same_answers
from quantize.importers.onnx_importer import import_model, load_static_onnx
from quantize.passes import PASSES
from quantize.passes.base import GraphPass, check_graph, run_pass

Build = Callable[[tiny.ModelBuilder], str]


def imported(build_nodes: Build, tmp_path: Path, *, shape: tuple = (1, 3, 16, 16)) -> FloatGraph:
    """Import a model made by `build_nodes`, having checked that it answers as before."""
    build = tiny.ModelBuilder()
    output = build_nodes(build)
    model = build.model({"image": shape}, {output: None})
    loaded = load_static_onnx(tiny.save(model, tmp_path / "model.onnx"))
    graph = import_model(loaded)
    random = np.random.default_rng(2)
    examples = [{"image": random.normal(0, 1, shape).astype(np.float32)} for _ in range(3)]
    check_same_answers(loaded, graph, examples)
    return graph


def operators(graph: FloatGraph) -> list[str]:
    return [node.op for node in graph.nodes]


def conv_with_batch_norm(build: tiny.ModelBuilder) -> str:
    build.conv("image", "a", (3, 4))
    return build.batch_norm("a", "out", 4)


def gemm_with_batch_norm(build: tiny.ModelBuilder) -> str:
    build.node("GlobalAveragePool", ["image"], "pooled")
    build.node("Flatten", ["pooled"], "flat")
    build.gemm("flat", "a", (3, 4))
    return build.batch_norm("a", "out", 4)


def lonely_batch_norm(build: tiny.ModelBuilder) -> str:
    return build.batch_norm("image", "out", 3)


def shared_conv_with_batch_norm(build: tiny.ModelBuilder) -> str:
    build.conv("image", "a", (3, 4))
    build.batch_norm("a", "norm", 4)
    return build.node("Add", ["a", "norm"], "out")


def identity_and_dropout(build: tiny.ModelBuilder) -> str:
    build.node("Identity", ["image"], "same")
    build.conv("same", "a", (3, 4))
    return build.node("Dropout", ["a"], "out")


def matmul_and_add(build: tiny.ModelBuilder) -> str:
    build.node("GlobalAveragePool", ["image"], "pooled")
    build.node("Flatten", ["pooled"], "flat")
    build.node("MatMul", ["flat", build.weight("w", (3, 5))], "product")
    return build.node("Add", [build.weight("b", (5,)), "product"], "out")


def matmul_of_three_axes(build: tiny.ModelBuilder) -> str:
    shape = build.constant("shape", [1, 48, 16], np.int64)
    build.node("Reshape", ["image", shape], "rows")
    build.node("MatMul", ["rows", build.weight("w", (16, 5))], "product")
    return build.node("Add", ["product", build.weight("b", (5,))], "out")


def scaled_gemm(build: tiny.ModelBuilder) -> str:
    build.node("GlobalAveragePool", ["image"], "pooled")
    build.node("Flatten", ["pooled"], "flat")
    inputs = ["flat", build.weight("w", (3, 5)), build.weight("b", (1, 5))]
    return build.node("Gemm", inputs, "out", alpha=0.5, beta=2.0)


def mean_without_axes_kept(build: tiny.ModelBuilder) -> str:
    return build.node("ReduceMean", ["image"], "out", axes=[-2, -1], keepdims=0)


def average_of_everything(build: tiny.ModelBuilder) -> str:
    return build.node("AveragePool", ["image"], "out", kernel_shape=[16, 16])


def padded_conv(build: tiny.ModelBuilder) -> str:
    pads = build.constant("pads", [0, 0, 1, 2, 0, 0, 0, 1], np.int64)
    build.node("Pad", ["image", pads], "padded")
    return build.conv("padded", "out", (3, 4), pads=[1, 1, 1, 1])


def max_pool_padded_with_nothing_smaller(build: tiny.ModelBuilder) -> str:
    pads = build.constant("pads", [0, 0, 1, 1, 0, 0, 1, 1], np.int64)
    value = build.constant("value", -np.inf)
    build.node("Pad", ["image", pads, value], "padded")
    return build.node("MaxPool", ["padded"], "out", kernel_shape=[3, 3], strides=[2, 2])


def same_conv(build: tiny.ModelBuilder) -> str:
    return build.conv("image", "out", (3, 4), auto_pad="SAME_UPPER", strides=[2, 2])


def max_pool_rounding_up(build: tiny.ModelBuilder) -> str:
    return build.node("MaxPool", ["image"], "out", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)


def average_pool_rounding_up(build: tiny.ModelBuilder) -> str:
    return build.node(
        "AveragePool", ["image"], "out", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1
    )


def average_pool_counting_its_padding(build: tiny.ModelBuilder) -> str:
    return build.node(
        "AveragePool",
        ["image"],
        "out",
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        count_include_pad=1,
    )


def normalisation_inside(build: tiny.ModelBuilder) -> str:
    mean = build.constant("mean", np.reshape([0.4, 0.5, 0.6], (3, 1, 1)))
    std = build.constant("std", np.reshape([0.2, 0.3, 0.4], (1, 3, 1, 1)))
    build.node("Sub", ["image", mean], "centred")
    build.node("Div", ["centred", std], "normal")
    return build.conv("normal", "out", (3, 4))


def conv_and_add(build: tiny.ModelBuilder) -> str:
    build.conv("image", "a", (3, 4))
    return build.node("Add", ["a", build.weight("b", (4, 1, 1))], "out")


def hard_swish(build: tiny.ModelBuilder) -> str:
    return build.node("HardSwish", ["image"], "out")


def reshapes_in_a_row(build: tiny.ModelBuilder) -> str:
    first = build.constant("first", [0, -1], np.int64)
    build.node("Reshape", ["image", first], "flat")
    axes = build.constant("axes", [2, 3], np.int64)
    build.node("Unsqueeze", ["flat", axes], "wide")
    return build.conv("wide", "out", (768, 2), kernel=1)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (conv_with_batch_norm, ["Conv"]),
        (gemm_with_batch_norm, ["GlobalAveragePool", "Reshape", "Gemm"]),
        (lonely_batch_norm, ["Conv"]),
        (shared_conv_with_batch_norm, ["Conv", "Conv", "Add"]),
        (identity_and_dropout, ["Conv"]),
        (matmul_and_add, ["GlobalAveragePool", "Reshape", "Gemm"]),
        (matmul_of_three_axes, ["Reshape", "Gemm", "Reshape"]),
        (scaled_gemm, ["GlobalAveragePool", "Reshape", "Gemm"]),
        (mean_without_axes_kept, ["GlobalAveragePool", "Reshape"]),
        (average_of_everything, ["GlobalAveragePool"]),
        (padded_conv, ["Conv"]),
        (max_pool_padded_with_nothing_smaller, ["MaxPool"]),
        (same_conv, ["Conv"]),
        (max_pool_rounding_up, ["MaxPool"]),
        (average_pool_rounding_up, ["AveragePool"]),
        (average_pool_counting_its_padding, ["Pad", "AveragePool"]),
        (normalisation_inside, ["Conv", "Conv"]),
        (conv_and_add, ["Conv"]),
        (hard_swish, ["Add", "Clip", "Mul", "Mul"]),
        (reshapes_in_a_row, ["Reshape", "Conv"]),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_a_form_becomes_the_canonical_one_and_answers_the_same(
    build: Build, expected: list[str], tmp_path: Path
) -> None:
    assert operators(imported(build, tmp_path)) == expected


def test_every_window_says_its_kernel_strides_and_pads(tmp_path: Path) -> None:
    conv = imported(same_conv, tmp_path).nodes[0]
    assert conv.attributes["kernel_shape"] == (3, 3)
    assert conv.attributes["strides"] == (2, 2)
    assert conv.attributes["pads"] == (0, 0, 1, 1)
    assert "auto_pad" not in conv.attributes


def test_a_gemm_has_weights_out_by_in_and_nothing_to_scale(tmp_path: Path) -> None:
    graph = imported(scaled_gemm, tmp_path)
    gemm = graph.nodes[-1]
    assert graph.constants[gemm.inputs[1]].shape == (5, 3)
    assert graph.constants[gemm.inputs[2]].shape == (5,)
    assert gemm.attributes == {"transA": 0, "transB": 1}


def test_two_layers_that_share_weights_get_their_own(tmp_path: Path) -> None:
    def shared(build: tiny.ModelBuilder) -> str:
        weight = build.weight("w", (3, 3, 3, 3))
        build.node("Conv", ["image", weight], "a", pads=[1] * 4)
        return build.node("Conv", ["a", weight], "out", pads=[1] * 4)

    graph = imported(shared, tmp_path)
    first, second = graph.nodes
    assert first.inputs[1] != second.inputs[1]


def test_what_no_output_needs_is_left_out(tmp_path: Path) -> None:
    def wasteful(build: tiny.ModelBuilder) -> str:
        build.node("Erf", ["image"], "unused")
        return build.node("Relu", ["image"], "out")

    assert operators(imported(wasteful, tmp_path)) == ["Relu"]


def test_every_pass_leaves_a_canonical_graph_as_it_is(tmp_path: Path) -> None:
    model = load_static_onnx(tiny.save(tiny.depthwise_cnn(), tmp_path / "model.onnx"))
    graph = import_model(model)
    for graph_pass in PASSES:
        assert operators(run_pass(graph_pass, graph)) == operators(graph)


def _graph(*nodes: Node, outputs: tuple[str, ...] = ("b",)) -> FloatGraph:
    shapes = {"a": (1, 2), "b": (1, 2), "c": (1, 2)}
    return FloatGraph(nodes, ("a",), outputs, {}, shapes)


@pytest.mark.parametrize(
    ("graph", "fault"),
    [
        pytest.param(
            _graph(Node("Relu", ("c",), ("b",), name="x")), "reads unknown 'c'", id="order"
        ),
        pytest.param(
            _graph(Node("Relu", ("a",), ("a",), name="x")), "'a' is written twice", id="twice"
        ),
        pytest.param(
            _graph(Node("Relu", ("a",), ("d",), name="x")), "'d' has no shape", id="shape"
        ),
        pytest.param(
            _graph(Node("Relu", ("a",), ("c",), name="x")), "written by no node", id="output"
        ),
        pytest.param(
            _graph(Node("Relu", ("a",), ("b",), name="x"), Node("Relu", ("b",), ("c",), name="x")),
            "two nodes are named 'x'",
            id="names",
        ),
    ],
)
def test_an_invalid_graph_is_named(graph: FloatGraph, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        check_graph(graph, when="now")


def test_a_pass_that_breaks_the_graph_is_named() -> None:
    broken = GraphPass("vandal", lambda _: _graph())
    with pytest.raises(InputError, match="after pass 'vandal'"):
        run_pass(broken, _graph(Node("Relu", ("a",), ("b",), name="x")))
