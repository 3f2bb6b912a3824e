"""Reshapes and Transposes that a form of the model needs, and its canonical graph does not."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import tiny_onnx_models as tiny

from quantize.graph import FloatGraph
from quantize.importers.equivalence import check_same_answers
from quantize.importers.onnx_importer import import_model, load_static_onnx

Build = Callable[[tiny.ModelBuilder], str]
TO_FIRST, TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def imported(build_nodes: Build, shape: tuple[int, ...], tmp_path: Path) -> FloatGraph:
    """Import a model of one input, having checked that it answers as before."""
    build = tiny.ModelBuilder()
    output = build_nodes(build)
    model = build.model({"x": shape}, {output: None})
    loaded = load_static_onnx(tiny.save(model, tmp_path / "model.onnx"))
    graph = import_model(loaded)
    random = np.random.default_rng(3)
    examples = [{"x": random.normal(0, 1, shape).astype(np.float32)} for _ in range(3)]
    check_same_answers(loaded, graph, examples)
    return graph


def counted(graph: FloatGraph) -> Mapping[str, int]:
    return Counter(node.op for node in graph.nodes)


def series_layer(build: tiny.ModelBuilder, source: str, name: str, sizes: tuple[int, int]) -> str:
    weight = build.weight(f"{name}_w", (sizes[1], sizes[0], 3))
    return build.node("Conv", [source, weight], name, pads=[1, 1])


def residual_series(build: tiny.ModelBuilder) -> str:
    """A 1-D network: batch normalization, a skip connection, a join, pooling, a mean."""
    stem = series_layer(build, "x", "stem", (2, 4))
    normal = build.batch_norm(stem, "normal", 4)
    relu = build.node("Relu", [normal], "relu")
    branch = series_layer(build, relu, "branch", (4, 4))
    total = build.node("Add", [branch, relu], "total")
    joined = build.node("Concat", [total, relu], "joined", axis=1)
    pooled = build.node("MaxPool", [joined], "pooled", kernel_shape=[2], strides=[2])
    scaled = build.node("Mul", [pooled, build.weight("scale", (8, 1))], "scaled")
    last = series_layer(build, scaled, "last", (8, 4))
    mean = build.node("ReduceMean", [last], "mean", axes=[-1], keepdims=0)
    return build.gemm(mean, "out", (4, 3))


def test_a_series_is_reshaped_at_its_ends_only(tmp_path: Path) -> None:
    found = counted(imported(residual_series, (1, 2, 16), tmp_path))
    assert found["Reshape"] == 2
    assert found["Conv"] == 3
    assert found["GlobalAveragePool"] == 1
    assert not found["BatchNormalization"]


def channels_last(build: tiny.ModelBuilder) -> str:
    """Each layer between Transposes, elementwise operators in channels-last order."""
    current = "x"
    for name, sizes in (("a", (3, 8)), ("b", (8, 8))):
        first = build.node("Transpose", [current], f"{name}_first", perm=TO_FIRST)
        conv = build.conv(first, f"{name}_conv", sizes)
        last = build.node("Transpose", [conv], f"{name}_last", perm=TO_LAST)
        scaled = build.node("Mul", [last, build.weight(f"{name}_scale", (8,))], f"{name}_scaled")
        pads = build.constant(f"{name}_pads", [0, 1, 1, 0, 0, 1, 1, 0], np.int64)
        padded = build.node("Pad", [scaled, pads], f"{name}_padded")
        current = build.node("Relu", [padded], f"{name}_relu")
    mean = build.node("ReduceMean", [current], "mean", axes=[1, 2], keepdims=0)
    return build.gemm(mean, "out", (8, 3))


def test_channels_last_is_transposed_at_the_input_only(tmp_path: Path) -> None:
    found = counted(imported(channels_last, (1, 8, 8, 3), tmp_path))
    assert found["Transpose"] == 1
    assert found["Conv"] == 2
    assert found["GlobalAveragePool"] == 1


def flattened_channels_last(build: tiny.ModelBuilder) -> str:
    build.conv("x", "conv", (3, 4))
    build.node("Transpose", ["conv"], "last", perm=TO_LAST)
    build.node("Flatten", ["last"], "flat")
    return build.gemm("flat", "out", (4 * 8 * 8, 3))


def test_a_transpose_before_a_flattening_goes_into_the_weights(tmp_path: Path) -> None:
    graph = imported(flattened_channels_last, (1, 3, 8, 8), tmp_path)
    assert [node.op for node in graph.nodes] == ["Conv", "Reshape", "Gemm"]


def linear(build: tiny.ModelBuilder, source: str, name: str, sizes: tuple[int, int]) -> str:
    product = build.node("MatMul", [source, build.weight(f"{name}_w", sizes)], f"{name}_product")
    return build.node("Add", [product, build.weight(f"{name}_b", (sizes[1],))], name)


def layer_norm(build: tiny.ModelBuilder, source: str, name: str) -> str:
    names = [build.constant(f"{name}_{each}", np.linspace(0.5, 1.5, 8)) for each in "gb"]
    return build.node("LayerNormalization", [source, *names], name, axis=-1)


def attention_block(build: tiny.ModelBuilder, source: str, name: str) -> str:
    """Pre-norm attention of two heads, and a perceptron, as PyTorch exports them."""
    joint = linear(build, layer_norm(build, source, f"{name}_n"), f"{name}_qkv", (8, 24))
    heads = build.constant(f"{name}_heads", [1, 5, 3, 2, 4], np.int64)
    apart = build.node("Reshape", [joint, heads], f"{name}_apart")
    turned = build.node("Transpose", [apart], f"{name}_turned", perm=[2, 0, 3, 1, 4])
    parts = [
        build.node(
            "Gather", [turned, build.constant(f"{name}_{at}", at, np.int64)], f"{name}_p{at}"
        )
        for at in range(3)
    ]
    scaled = build.node("Mul", [parts[0], build.constant(f"{name}_scale", 0.5)], f"{name}_scaled")
    keys = build.node("Transpose", [parts[1]], f"{name}_keys", perm=[0, 1, 3, 2])
    scores = build.node("MatMul", [scaled, keys], f"{name}_scores")
    weights = build.node("Softmax", [scores], f"{name}_weights", axis=-1)
    mixed = build.node("MatMul", [weights, parts[2]], f"{name}_mixed")
    back = build.node("Transpose", [mixed], f"{name}_back", perm=[0, 2, 1, 3])
    rows = build.node(
        "Reshape", [back, build.constant(f"{name}_rows", [1, 5, 8], np.int64)], f"{name}_merged"
    )
    first = build.node("Add", [source, linear(build, rows, f"{name}_o", (8, 8))], f"{name}_first")
    wide = linear(build, layer_norm(build, first, f"{name}_m"), f"{name}_wide", (8, 16))
    bent = build.node("Relu", [wide], f"{name}_bent")
    return build.node("Add", [first, linear(build, bent, f"{name}_narrow", (16, 8))], name)


def transformer(build: tiny.ModelBuilder) -> str:
    first = attention_block(build, "x", "one")
    return attention_block(build, first, "two")


def test_attention_keeps_four_transposes_and_its_stream_on_rows(tmp_path: Path) -> None:
    graph = imported(transformer, (1, 5, 8), tmp_path)
    found = counted(graph)
    assert found["Transpose"] == 4 * 2
    assert found["Slice"] == found["Mul"] == 0
    assert found["Gemm"] == 6 * 2
    assert found["Reshape"] == 4 * 2 + 3  # heads apart and together, and the ends of the graph
    assert all(len(graph.shape(node.inputs[0])) == 2 for node in graph.nodes if node.op == "Add")


def pixel_shuffle(build: tiny.ModelBuilder) -> str:
    build.conv("x", "wide", (3, 12))
    return build.node("DepthToSpace", ["wide"], "out", blocksize=2, mode="CRD")


def up_convolution(build: tiny.ModelBuilder) -> str:
    weight = build.weight("w", (3, 4, 2, 2))
    return build.node("ConvTranspose", ["x", weight], "out", strides=[2, 2])


def lonely_scale_before_conv(build: tiny.ModelBuilder) -> str:
    build.batch_norm("x", "normal", 3)
    return build.conv("normal", "out", (3, 4), pads=[0] * 4)


def transposed_twice(build: tiny.ModelBuilder) -> str:
    build.node("Transpose", ["x"], "a", perm=TO_LAST)
    build.node("Sigmoid", ["a"], "b")
    return build.node("Transpose", ["b"], "out", perm=TO_FIRST)


def cut_from_an_input(build: tiny.ModelBuilder) -> str:
    names = [
        build.constant(f"i{at}", each, np.int64) for at, each in enumerate(([1], [3], [1], [1]))
    ]
    return build.node("Slice", ["x", *names], "out")


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (pixel_shuffle, ["Conv", "DepthToSpace"]),
        (up_convolution, ["Conv", "DepthToSpace"]),
        (lonely_scale_before_conv, ["Conv"]),
        (transposed_twice, ["Sigmoid"]),
        (cut_from_an_input, ["Slice"]),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_a_form_needs_no_move(build: Build, expected: list[str], tmp_path: Path) -> None:
    graph = imported(build, (1, 3, 8, 8), tmp_path)
    assert [node.op for node in graph.nodes] == expected
