"""What moves, picks, resizes and multiplies values does so in LiteRT as in onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sketches import Sketch
from tflite_cases import (
    float_error,
)

_EXAMPLES = settings(max_examples=12, deadline=None, derandomize=True, database=None)
_TOLERANCE = 2e-6
_SHAPES = st.one_of(
    st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 9)),
    st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 4)),
)
_IMAGES = st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(2, 6), st.integers(2, 6))
_SEEDS = st.integers(0, 99)


def _sketch(seed: int) -> Sketch:
    return Sketch(np.random.default_rng(seed))


@_EXAMPLES
@given(shape=_SHAPES, axis=st.integers(-4, 3))
def test_concatenation_of_tensors_and_constants(shape: tuple[int, ...], axis: int) -> None:
    sketch = _sketch(1)
    parts = [sketch.input(*shape), sketch.random(*shape), sketch.input(*shape)]
    graph = sketch.graph(sketch.node("Concat", *parts, axis=axis % len(shape)))
    assert float_error(graph) == 0


@_EXAMPLES
@given(
    shape=_SHAPES,
    bounds=st.tuples(st.integers(-6, 6), st.integers(-7, 7), st.sampled_from([1, 2, -1, -2])),
    axis=st.integers(0, 3),
)
def test_a_cut_with_any_step(
    shape: tuple[int, ...], bounds: tuple[int, int, int], axis: int
) -> None:
    start, end, step = bounds
    axis %= len(shape)
    end = -(2**31) if end == -7 else end
    kept = range(shape[axis])[slice(start, None if end < -shape[axis] and step < 0 else end, step)]
    if not kept:
        return
    sketch = _sketch(1)
    operands = [sketch.integers(each) for each in (start, end, axis, step)]
    assert float_error(sketch.graph(sketch.node("Slice", sketch.input(*shape), *operands))) == 0


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
@pytest.mark.parametrize("indices", [2, [0, 2, 1, -1], [[0, 1], [1, 0]]])
def test_cells_picked_by_constant_indices(axis: int, indices: Any) -> None:
    sketch = _sketch(1)
    where = sketch.constant(np.array(indices, np.int64))
    assert (
        float_error(sketch.graph(sketch.node("Gather", sketch.input(3, 3, 4, 5), where, axis=axis)))
        == 0
    )


def test_an_embedding_by_computed_indices() -> None:
    sketch = _sketch(1)
    found = sketch.node("Gather", sketch.random(5, 7), sketch.input(2, 3, dtype="int64"), axis=0)
    assert float_error(sketch.graph(found)) == 0


def test_cells_picked_by_several_indices() -> None:
    sketch = _sketch(1)
    where = sketch.constant(np.array([[0, 1], [1, 2]], np.int64))
    assert float_error(sketch.graph(sketch.node("GatherND", sketch.input(2, 3, 4), where))) == 0


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 6), (2, 3, 7)])
def test_padding_in_every_mode(mode: str, shape: tuple[int, ...]) -> None:
    sketch = _sketch(1)
    rank = len(shape)
    pads = [0] * (2 * rank)
    pads[rank - 1], pads[2 * rank - 1], pads[rank - 2] = 2, 1, 1
    operands = [sketch.input(*shape), sketch.integers(*pads)]
    if mode == "constant":
        operands.append(sketch.constant(np.float32(0.5)))
        operands_of_zero = operands[:2]
        outputs = [sketch.node("Pad", *operands), sketch.node("Pad", *operands_of_zero)]
    else:
        outputs = [sketch.node("Pad", *operands, mode=mode)]
    assert float_error(sketch.graph(*outputs)) == 0


def test_negative_padding_cuts() -> None:
    sketch = _sketch(1)
    pads = sketch.integers(0, 0, -1, 2, 0, 0, 1, -2)
    assert float_error(sketch.graph(sketch.node("Pad", sketch.input(2, 3, 4, 5), pads))) == 0


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 4), (2, 3, 4)])
def test_a_repetition_and_a_broadcast(shape: tuple[int, ...]) -> None:
    sketch = _sketch(1)
    source = sketch.input(*shape)
    tiled = sketch.node("Tile", source, sketch.integers(*range(1, len(shape) + 1)))
    narrow = sketch.node("ReduceMax", source, axes=(1,), keepdims=1)
    expanded = sketch.node("Expand", narrow, sketch.integers(*shape))
    raised = sketch.node("Expand", sketch.input(*shape[1:]), sketch.integers(*shape))
    assert float_error(sketch.graph(tiled, expanded, raised)) == 0


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((2, 3, 4, 5), (2, 3, 5, 6)),
        ((2, 4, 5), (2, 5, 3)),
        ((4, 5), (5, 3)),
        ((2, 3, 4, 5), (5, 6)),
        ((2, 1, 4, 5), (1, 3, 5, 6)),
    ],
)
@pytest.mark.parametrize("is_constant", [True, False])
def test_a_product_of_matrices(
    left: tuple[int, ...], right: tuple[int, ...], is_constant: bool
) -> None:
    sketch = _sketch(1)
    second = sketch.random(*right) if is_constant else sketch.input(*right)
    first = sketch.input(*left)
    assert float_error(sketch.graph(sketch.node("MatMul", first, second))) <= _TOLERANCE


def test_attention_transposes_once_an_operand() -> None:
    sketch = _sketch(1)
    source = sketch.input(1, 6, 8)
    heads = [
        sketch.node(
            "Reshape", sketch.node("Mul", source, sketch.random(8)), sketch.integers(1, 6, 2, 4)
        )
        for _ in range(3)
    ]
    query, value = (sketch.node("Transpose", each, perm=(0, 2, 1, 3)) for each in heads[:2])
    key = sketch.node("Transpose", heads[2], perm=(0, 2, 3, 1))
    weights = sketch.node("Softmax", sketch.node("MatMul", query, key), axis=-1)
    mixed = sketch.node("Transpose", sketch.node("MatMul", weights, value), perm=(0, 2, 1, 3))
    out = sketch.node("Reshape", mixed, sketch.integers(1, 6, 8))
    assert float_error(sketch.graph(out)) <= _TOLERANCE


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space_and_back(mode: str) -> None:
    sketch = _sketch(1)
    wide = sketch.node("DepthToSpace", sketch.input(2, 12, 3, 5), blocksize=2, mode=mode)
    deep = sketch.node("SpaceToDepth", sketch.input(2, 3, 4, 6), blocksize=2)
    assert float_error(sketch.graph(wide, deep)) == 0


@_EXAMPLES
@given(
    shape=_IMAGES,
    out=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    rule=st.sampled_from(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]),
    nearest=st.sampled_from(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]),
)
def test_the_nearest_cell_by_every_rule(
    shape: tuple[int, ...], out: tuple[int, int], rule: str, nearest: str
) -> None:
    sketch = _sketch(1)
    sizes = sketch.integers(*shape[:2], *out)
    graph = sketch.graph(
        sketch.node(
            "Resize",
            sketch.input(*shape),
            "",
            "",
            sizes,
            mode="nearest",
            coordinate_transformation_mode=rule,
            nearest_mode=nearest,
        )
    )
    assert float_error(graph) == 0


@_EXAMPLES
@given(
    shape=_IMAGES,
    out=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    rule=st.sampled_from(["half_pixel", "asymmetric", "align_corners"]),
)
def test_linear_interpolation(shape: tuple[int, ...], out: tuple[int, int], rule: str) -> None:
    sketch = _sketch(1)
    sizes = sketch.integers(*shape[:2], *out)
    graph = sketch.graph(
        sketch.node(
            "Resize",
            sketch.input(*shape),
            "",
            "",
            sizes,
            mode="linear",
            coordinate_transformation_mode=rule,
        )
    )
    assert float_error(graph) <= 1e-5


@_EXAMPLES
@given(
    shape=_IMAGES,
    window=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    extra=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    groups=st.integers(1, 2),
    dilation=st.integers(1, 2),
)
def test_a_transposed_convolution(
    shape: tuple[int, ...],
    window: tuple[int, int, int, int],
    pads: tuple[int, ...],
    extra: tuple[int, int],
    groups: int,
    dilation: int,
) -> None:
    kernel, strides = window[:2], window[2:]
    extra = tuple(min(each, step - 1) for each, step in zip(extra, strides, strict=True))
    size = [
        (shape[2 + axis] - 1) * strides[axis]
        + (kernel[axis] - 1) * dilation
        + 1
        + extra[axis]
        - pads[axis]
        - pads[2 + axis]
        for axis in (0, 1)
    ]
    if min(size) < 1:
        return
    sketch = _sketch(1)
    source = sketch.input(shape[0], shape[1] * groups, *shape[2:])
    weight, bias = sketch.random(shape[1] * groups, 3, *kernel), sketch.random(3 * groups)
    graph = sketch.graph(
        sketch.node(
            "ConvTranspose",
            source,
            weight,
            bias,
            strides=strides,
            pads=pads,
            output_padding=extra,
            group=groups,
            dilations=(dilation, dilation),
        )
    )
    assert float_error(graph) <= _TOLERANCE


@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize("shape", [(2, 3, 8), (2, 3, 4, 5)])
def test_layer_normalization(shape: tuple[int, ...], axis: int) -> None:
    sketch = _sketch(1)
    tail = shape[axis:]
    node = sketch.node(
        "LayerNormalization",
        sketch.input(*shape),
        sketch.random(*tail),
        sketch.random(*tail),
        axis=axis,
    )
    assert float_error(sketch.graph(node)) <= 1e-5


def test_normalisation_by_length_and_by_neighbours() -> None:
    sketch = _sketch(1)
    row = sketch.node("LpNormalization", sketch.input(2, 7), axis=-1, p=2)
    image = sketch.node("LRN", sketch.input(2, 7, 3, 4), size=5, alpha=0.2, beta=0.75, bias=1.5)
    assert float_error(sketch.graph(row, image)) <= 1e-5
