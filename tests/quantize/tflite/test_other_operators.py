"""Every operator without a window comes out of LiteRT within its stated steps of its meaning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sketches import Sketch
from tflite_cases import (
    delegated_parts,
    interpreter,
    quantized,
    worst_steps,
)

from quantize.graph import FloatGraph
from quantize.quantized_graph import ActivationParams, QuantizedGraph
from quantize.tflite_model import write_tflite

_EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True, database=None)
_SHAPES = st.one_of(
    st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 9)),
    st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 4)),
)
_IMAGES = st.tuples(st.integers(1, 2), *[st.integers(1, 5)] * 3)
_SEEDS = st.integers(0, 99)


def _steps(graph: FloatGraph, *, shared: bool = True) -> int:
    case = quantized(graph, shared=shared)
    return max(worst_steps(write_tflite(case), case))


@_EXAMPLES
@given(
    rows=st.integers(1, 4),
    into=st.integers(1, 40),
    out=st.integers(1, 12),
    bias=st.booleans(),
    per_channel=st.booleans(),
    relu=st.booleans(),
    seed=_SEEDS,
)
def test_a_fully_connected_layer_is_within_one_step(
    rows: int, into: int, out: int, bias: bool, per_channel: bool, relu: bool, seed: int
) -> None:
    sketch = Sketch(np.random.default_rng(seed))
    result = sketch.gemm(sketch.input(rows, into), out, into, bias=bias)
    graph = sketch.graph(sketch.node("Relu", result) if relu else result)
    case = quantized(graph, per_channel=per_channel)
    assert max(worst_steps(write_tflite(case), case)) <= 1


@_EXAMPLES
@given(op=st.sampled_from(["Add", "Mul"]), shape=_SHAPES, relu=st.booleans(), seed=_SEEDS)
def test_two_activations_add_and_multiply_within_one_step(
    op: str, shape: tuple[int, ...], relu: bool, seed: int
) -> None:
    sketch = Sketch(np.random.default_rng(seed))
    result = sketch.node(op, sketch.input(*shape), sketch.input(*shape))
    if relu and op == "Add":
        result = sketch.node("Relu", result)
    assert _steps(sketch.graph(result)) <= 1


@pytest.mark.parametrize("op", ["Add", "Mul"])
@pytest.mark.parametrize(
    ("shape", "constant"),
    [
        ((2, 5, 3, 4), (1, 5, 1, 1)),
        ((2, 5, 3, 4), (5, 1, 1)),
        ((2, 5, 3, 4), (3, 4)),
        ((2, 5, 3, 4), (2, 5, 3, 4)),
        ((2, 5, 3, 4), (1,)),
        ((2, 5, 3, 4), ()),
        ((2, 5), (5,)),
        ((2, 5, 3), (5, 1)),
    ],
)
def test_a_constant_operand_broadcasts_as_in_onnx(
    op: str, shape: tuple[int, ...], constant: tuple[int, ...]
) -> None:
    sketch = Sketch(np.random.default_rng(1))
    operand = sketch.random(*constant) if constant else sketch.constant(np.float32(0.7))
    assert _steps(sketch.graph(sketch.node(op, sketch.input(*shape), operand))) <= 1


def test_a_gate_of_one_value_a_channel_broadcasts_over_positions() -> None:
    """Squeeze and excitation: both ways round."""
    sketch = Sketch(np.random.default_rng(1))
    image, gate = sketch.input(2, 5, 3, 4), sketch.input(2, 5, 1, 1)
    graph = sketch.graph(sketch.node("Mul", image, gate), sketch.node("Mul", gate, image))
    assert _steps(graph) <= 1


def test_a_product_whose_scale_exceeds_the_outputs_is_multiplied() -> None:
    """MUL needs version 3 there: the multiplier is above 1."""
    sketch = Sketch(np.random.default_rng(1))
    graph = sketch.graph(sketch.node("Mul", sketch.input(1, 8), sketch.input(1, 8)))
    coarse = ActivationParams(0.5, 128)
    narrow = ActivationParams(0.125, 128)
    case = QuantizedGraph(graph, dict.fromkeys(graph.inputs, coarse) | {"mul0": narrow}, {})
    assert max(worst_steps(write_tflite(case), case)) == 0


@_EXAMPLES
@given(
    shape=_SHAPES,
    axis=st.integers(-4, 3),
    parts=st.integers(2, 7),
    shared=st.booleans(),
    seed=_SEEDS,
)
def test_concatenation_is_exact_but_for_the_requantization_of_unequal_inputs(
    shape: tuple[int, ...], axis: int, parts: int, shared: bool, seed: int
) -> None:
    axis %= len(shape)
    sketch = Sketch(np.random.default_rng(seed))
    sources = []
    for part in range(parts):
        lengths = list(shape)
        lengths[axis] += part
        sources.append(sketch.input(*lengths))
    graph = sketch.graph(sketch.node("Concat", *sources, axis=axis))
    assert _steps(graph, shared=shared) <= (0 if shared else 1)


@_EXAMPLES
@given(shape=_SHAPES, seed=_SEEDS)
def test_a_sigmoid_is_within_one_step(shape: tuple[int, ...], seed: int) -> None:
    sketch = Sketch(np.random.default_rng(seed))
    assert _steps(sketch.graph(sketch.node("Sigmoid", sketch.input(*shape)))) <= 1


@_EXAMPLES
@given(shape=_SHAPES, shared=st.booleans(), seed=_SEEDS)
def test_softmax_over_channels_is_within_one_step(
    shape: tuple[int, ...], shared: bool, seed: int
) -> None:
    sketch = Sketch(np.random.default_rng(seed))
    axis = 1 if len(shape) == 4 else -1
    graph = sketch.graph(sketch.node("Softmax", sketch.input(*shape), axis=axis))
    # Where the graph wants a finer step than the kernel's 1/256, the rounding is seen larger.
    case = quantized(graph, shared=shared)
    finer = (1 / 256) / case.activations[graph.outputs[0]].scale
    assert max(worst_steps(write_tflite(case), case)) <= 1 + int(np.ceil(finer))


@_EXAMPLES
@given(
    low=st.sampled_from([-np.inf, -1.0, -0.37, 0.0]),
    high=st.sampled_from([0.42, 1.0, 6.0, np.inf]),
    shape=_SHAPES,
    shared=st.booleans(),
    seed=_SEEDS,
)
def test_an_activation_of_its_own_clamps_by_saturation(
    low: float, high: float, shape: tuple[int, ...], shared: bool, seed: int
) -> None:
    """Also where the output keeps its input's range, which reaches beyond the bounds."""
    sketch = Sketch(np.random.default_rng(seed))
    bounds = [sketch.constant(np.float32(b)) if np.isfinite(b) else "" for b in (low, high)]
    graph = sketch.graph(sketch.node("Clip", sketch.input(*shape), *bounds))
    case = quantized(graph)
    if shared:
        one = case.activations[graph.inputs[0]]
        case = QuantizedGraph(graph, dict.fromkeys(case.activations, one), {})
    assert max(worst_steps(write_tflite(case), case)) <= (0 if shared else 1)


@_EXAMPLES
@given(
    shape=_IMAGES,
    pads=st.tuples(*[st.integers(0, 2)] * 8),
    value=st.sampled_from([None, 0.0, 0.5, -9.0]),
    seed=_SEEDS,
)
def test_padding_is_exact(
    shape: tuple[int, ...], pads: tuple[int, ...], value: float | None, seed: int
) -> None:
    """A value outside the input's range saturates in the file as it does in the meaning."""
    sketch = Sketch(np.random.default_rng(seed))
    operands = [sketch.input(*shape), sketch.constant(np.array(pads, np.int64))]
    if value is not None:
        operands.append(sketch.constant(np.float32(value)))
    assert _steps(sketch.graph(sketch.node("Pad", *operands))) == 0


@_EXAMPLES
@given(shape=_IMAGES, seed=_SEEDS)
def test_global_average_pooling_is_within_one_step(shape: tuple[int, ...], seed: int) -> None:
    sketch = Sketch(np.random.default_rng(seed))
    assert _steps(sketch.graph(sketch.node("GlobalAveragePool", sketch.input(*shape)))) <= 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((2, 3, 4, 5), (2, 60)),
        ((2, 3, 1, 1), (2, 3)),
        ((2, 1, 4, 5), (2, 20)),
        ((2, 60), (2, 3, 4, 5)),
        ((2, 3), (2, 3, 1, 1)),
        ((2, 3, 4, 5), (2, 5, 4, 3)),
        ((2, 3, 4, 5), (2, 3, 20)),
        ((2, 3, 20), (2, 3, 4, 5)),
        ((2, 6, 4, 5), (2, 2, 3, 4, 5)),
        ((2, 60), (4, 30)),
    ],
)
def test_a_reshape_keeps_onnx_order(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    sketch = Sketch(np.random.default_rng(1))
    shape = sketch.constant(np.array(after, np.int64))
    assert _steps(sketch.graph(sketch.node("Reshape", sketch.input(*before), shape))) == 0


@pytest.mark.parametrize("other_reader", ["graph output", "activation"])
def test_a_flattened_image_that_not_only_a_gemm_reads_keeps_onnx_order(other_reader: str) -> None:
    sketch = Sketch(np.random.default_rng(1))
    flat = sketch.node("Flatten", sketch.input(2, 3, 4, 5), axis=1)
    other = flat if other_reader == "graph output" else sketch.node("Sigmoid", flat)
    assert _steps(sketch.graph(sketch.gemm(flat, 4, 60), other)) <= 1


def test_two_reshapes_through_five_axes_keep_onnx_order() -> None:
    sketch = Sketch(np.random.default_rng(1))
    split = sketch.constant(np.array((1, 2, 3, 4, 4), np.int64))
    joined = sketch.constant(np.array((1, 3, 8, 4), np.int64))
    halves = sketch.node("Reshape", sketch.input(1, 6, 4, 4), split)
    assert _steps(sketch.graph(sketch.node("Reshape", halves, joined))) == 0


@_EXAMPLES
@given(shape=_SHAPES, alpha=st.sampled_from([0.01, 0.2, 0.9]), seed=_SEEDS)
def test_a_slope_below_zero_is_within_one_step(
    shape: tuple[int, ...], alpha: float, seed: int
) -> None:
    sketch = Sketch(np.random.default_rng(seed))
    graph = sketch.graph(sketch.node("LeakyRelu", sketch.input(*shape), alpha=alpha))
    assert _steps(graph) <= 1


@settings(_EXAMPLES, max_examples=12)
@given(shape=_SHAPES, seed=_SEEDS, data=st.data())
def test_what_only_moves_values_is_exact(
    shape: tuple[int, ...], seed: int, data: st.DataObject
) -> None:
    sketch = Sketch(np.random.default_rng(seed))
    source = sketch.input(*shape)
    rank = len(shape)
    turned = sketch.node("Transpose", source, perm=tuple(data.draw(st.permutations(range(rank)))))
    axis = data.draw(st.integers(0, rank - 1))
    step = data.draw(st.sampled_from([1, 2, -1]))
    ends = (0, shape[axis]) if step > 0 else (shape[axis] - 1, -shape[axis] - 1)
    cut = sketch.node("Slice", source, *(sketch.integers(n) for n in (*ends, axis, step)))
    tiled = sketch.node("Tile", source, sketch.integers(*[2] * rank))
    assert _steps(sketch.graph(turned, cut, tiled)) == 0


def test_depth_space_and_nearest_cells_are_exact() -> None:
    sketch = Sketch(np.random.default_rng(1))
    image = sketch.input(1, 8, 4, 6)
    deep = sketch.node("SpaceToDepth", image, blocksize=2)
    wide = sketch.node("DepthToSpace", image, blocksize=2, mode="DCR")
    larger = [
        sketch.node(
            "Resize",
            image,
            "",
            sketch.constant(np.array([1, 1, scale, scale], np.float32)),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        for scale in (2, 1.5)
    ]
    assert _steps(sketch.graph(deep, wide, *larger)) == 0


@pytest.mark.parametrize("op", ["GlobalAveragePool", "LeakyRelu", "Relu", "Sigmoid", "Transpose"])
def test_xnnpack_takes_the_operator(op: str) -> None:
    sketch = Sketch(np.random.default_rng(1))
    image = sketch.input(1, 4, 5, 5)
    case = quantized(sketch.graph(sketch.node(op, image)))
    content = write_tflite(case)
    [(inputs, outputs)] = delegated_parts(content)
    assert image in inputs
    assert outputs == set(case.graph.outputs)


def test_max_pooling_after_relu_stays_with_xnnpack() -> None:
    """Zero is the lowest value there, so the padding is PAD and not PADV2."""
    sketch = Sketch(np.random.default_rng(1))
    convolved = sketch.node("Relu", sketch.conv(sketch.input(1, 3, 8, 8), (4, 3, 1, 1)))
    pooled = sketch.node(
        "MaxPool", convolved, kernel_shape=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1)
    )
    content = write_tflite(quantized(sketch.graph(pooled)))
    names = [details["op_name"] for details in interpreter(content)._get_ops_details()]
    assert names == ["CONV_2D", "PAD", "MAX_POOL_2D", "DELEGATE"]
