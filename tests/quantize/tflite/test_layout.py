"""Orders are handed on, so that transposes are left only where axes that lie apart are mixed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import random_network
from sketches import Sketch
from tflite_cases import (
    float_error,
    operator_names,
)

from quantize.graph import FloatGraph
from quantize.quantized_graph import float_form
from quantize.tflite.layout import plan_layout
from quantize.tflite.orders import plain_order, reshape_orders, stored_shape, transposed_order
from quantize.tflite_model import stored_axes, write_tflite

_NHWC = (0, 2, 3, 1)
_NCHW = (0, 3, 1, 2)


def _transposes(graph: FloatGraph) -> int:
    assert float_error(graph) <= 2e-6
    return operator_names(write_tflite(float_form(graph), io="float32")).count("TRANSPOSE")


def _sketch() -> Sketch:
    return Sketch(np.random.default_rng(1))


def _conv(sketch: Sketch, source: str, into: int, out: int) -> str:
    return sketch.conv(source, (out, into, 3, 3), pads=(1, 1, 1, 1))


@st.composite
def _reshapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """(before, after, order): both shapes made by cutting one list of factors."""
    factors = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))

    def shape() -> tuple[int, ...]:
        cuts = sorted(draw(st.lists(st.integers(0, len(factors)), min_size=0, max_size=4)))
        edges = [0, *cuts, len(factors)]
        return tuple(int(np.prod(factors[a:b])) for a, b in pairwise(edges))

    before, after = shape(), shape()
    return before, after, tuple(draw(st.permutations(range(len(before)))))


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(_reshapes())
def test_between_its_orders_a_reshape_moves_nothing(
    case: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]],
) -> None:
    before, after, order = case
    values = np.arange(np.prod(before)).reshape(before)
    wanted, written = reshape_orders(before, after, order, plain_order(len(after)))
    assert sorted(wanted) == list(range(len(before)))
    stored = values.transpose(wanted).reshape(stored_shape(after, written))
    np.testing.assert_array_equal(stored, values.reshape(after).transpose(written))


@given(st.permutations(range(4)), st.permutations(range(4)))
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_a_transpose_renames_axes_of_the_same_memory(order: list[int], perm: list[int]) -> None:
    values = np.arange(120).reshape(2, 3, 4, 5)
    written = transposed_order(tuple(order), perm)
    np.testing.assert_array_equal(
        values.transpose(order), values.transpose(perm).transpose(written)
    )


def test_a_graph_exported_from_nhwc_loses_its_transposes() -> None:
    sketch = _sketch()
    source = sketch.node("Transpose", sketch.input(1, 8, 6, 3), perm=_NCHW)
    inner = sketch.node("Transpose", _conv(sketch, source, 3, 4), perm=_NHWC)
    shifted = sketch.node("Add", sketch.node("Relu", inner), sketch.random(4))
    back = _conv(sketch, sketch.node("Transpose", shifted, perm=_NCHW), 4, 5)
    graph = sketch.graph(sketch.node("Transpose", back, perm=_NHWC))
    assert _transposes(graph) == 0
    assert stored_axes(graph) == {name: plain_order(4) for name in (*graph.inputs, *graph.outputs)}


def test_images_are_nhwc_at_the_ends_and_everything_else_as_in_onnx() -> None:
    sketch = _sketch()
    image, series = sketch.input(1, 3, 6, 5), sketch.input(2, 3, 4)
    graph = sketch.graph(
        _conv(sketch, image, 3, 2), sketch.node("Relu", series), sketch.node("Relu", image)
    )
    first, second, third = graph.outputs
    assert stored_axes(graph) == {
        image: _NHWC,
        series: (0, 1, 2),
        first: _NHWC,
        second: (0, 1, 2),
        third: _NHWC,
    }
    assert _transposes(graph) == 0


def test_patches_become_tokens_without_a_transpose() -> None:
    """The beginning of a vision transformer."""
    sketch = _sketch()
    patches = sketch.conv(sketch.input(1, 3, 8, 8), (5, 3, 2, 2), strides=(2, 2))
    flat = sketch.node("Reshape", patches, sketch.integers(1, 5, 16))
    tokens = sketch.node("Transpose", flat, perm=(0, 2, 1))
    assert _transposes(sketch.graph(sketch.node("Add", tokens, sketch.random(16, 5)))) == 0


def test_attention_moves_query_key_value_and_answer_once_each() -> None:
    sketch = _sketch()
    source = sketch.input(1, 6, 8)
    heads = []
    for _ in range(3):
        scaled = sketch.node("Mul", source, sketch.random(8))
        heads.append(sketch.node("Reshape", scaled, sketch.integers(1, 6, 2, 4)))
    query, value = (sketch.node("Transpose", each, perm=(0, 2, 1, 3)) for each in heads[:2])
    key = sketch.node("Transpose", heads[2], perm=(0, 2, 3, 1))
    weights = sketch.node("Softmax", sketch.node("MatMul", query, key), axis=-1)
    mixed = sketch.node("Transpose", sketch.node("MatMul", weights, value), perm=(0, 2, 1, 3))
    rows = sketch.node("Reshape", mixed, sketch.integers(6, 8))
    assert _transposes(sketch.graph(sketch.gemm(rows, 3, 8))) == 4


def test_channels_are_shuffled_by_one_transpose() -> None:
    """ShuffleNet: groups of channels change places between convolutions."""
    sketch = _sketch()
    image = _conv(sketch, sketch.input(1, 3, 4, 5), 3, 6)
    groups = sketch.node("Reshape", image, sketch.integers(1, 2, 3, 4, 5))
    swapped = sketch.node("Transpose", groups, perm=(0, 2, 1, 3, 4))
    joined = sketch.node("Reshape", swapped, sketch.integers(1, 6, 4, 5))
    assert _transposes(sketch.graph(_conv(sketch, joined, 6, 2))) == 1


def test_layer_normalisation_over_channels_keeps_nhwc() -> None:
    """ConvNeXt: Transpose, LayerNormalization, two Gemms, Transpose, residual."""
    sketch = _sketch()
    image = _conv(sketch, sketch.input(1, 3, 4, 5), 3, 6)
    last = sketch.node("Transpose", image, perm=_NHWC)
    normal = sketch.node("LayerNormalization", last, sketch.random(6), sketch.random(6), axis=-1)
    rows = sketch.node("Reshape", normal, sketch.integers(20, 6))
    hidden = sketch.gemm(sketch.node("Gelu", sketch.gemm(rows, 9, 6)), 6, 9)
    back = sketch.node("Reshape", hidden, sketch.integers(1, 4, 5, 6))
    first = sketch.node("Transpose", back, perm=_NCHW)
    graph = sketch.graph(_conv(sketch, sketch.node("Add", image, first), 6, 2))
    assert _transposes(graph) == 0


def test_one_transpose_serves_every_reader() -> None:
    sketch = _sketch()
    rows = sketch.input(1, 6, 8)
    split = sketch.node("Transpose", rows, perm=(0, 2, 1))
    graph = sketch.graph(*(sketch.node("MatMul", split, sketch.input(1, 6, 3)) for _ in range(3)))
    assert _transposes(graph) == 1


def test_a_series_convolution_transposes_at_the_ends_only() -> None:
    """A 1-D network as pictures of height 1: the series comes and goes channel first."""
    sketch = _sketch()
    trunk = sketch.node("Reshape", sketch.input(1, 3, 20), sketch.integers(1, 3, 1, 20))
    for into, out in ((3, 4), (4, 5)):
        wide = sketch.conv(trunk, (out, into, 1, 3), pads=(0, 1, 0, 1))
        flat = sketch.node("Reshape", wide, sketch.integers(1, out, 20))
        active = sketch.node("Mul", sketch.node("Sigmoid", flat), flat)
        trunk = sketch.node("Reshape", active, sketch.integers(1, out, 1, 20))
    assert _transposes(sketch.graph(sketch.node("Reshape", trunk, sketch.integers(1, 5, 20)))) == 2


def test_a_flattened_image_is_moved_only_where_not_every_reader_is_a_gemm() -> None:
    sketch = _sketch()
    flat = sketch.node(
        "Reshape", _conv(sketch, sketch.input(1, 3, 6, 5), 3, 2), sketch.integers(1, 60)
    )
    layer = sketch.gemm(flat, 3, 60)
    assert _transposes(sketch.graph(layer)) == 0
    assert _transposes(sketch.graph(layer, sketch.node("Relu", flat))) == 1


def test_the_plan_names_every_activation() -> None:
    sketch = _sketch()
    graph = sketch.graph(_conv(sketch, sketch.input(1, 3, 6, 5), 3, 2))
    assert set(plan_layout(graph).orders) == set(graph.shapes)


@pytest.mark.parametrize("seed", range(40))
def test_any_sequence_of_operators_answers_as_in_onnxruntime(seed: int) -> None:
    assert float_error(random_network(seed)) <= 1e-5


def test_what_a_reshape_shares_is_not_written_over_before_it_is_read() -> None:
    """LiteRT's memory planner would do it: see `quantize.tflite.buffer_sharing`."""
    sketch = _sketch()
    rows = sketch.node("Reshape", sketch.input(6, 4), sketch.integers(4, 6))
    shares = sketch.node("Softmax", rows, axis=1)
    again = sketch.node("Softmax", sketch.node("Reshape", shares, sketch.integers(3, 8)), axis=1)
    product = sketch.node("MatMul", again, sketch.random(8, 2))
    graph = sketch.graph(product, sketch.node("Sub", shares, sketch.input(4, 6)))
    assert float_error(graph) <= 1e-5
    names = operator_names(write_tflite(float_form(graph), io="float32"))
    assert names.count("SLICE") == 1
