"""Every float operator comes out of LiteRT as onnxruntime has it, on any shape."""

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


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        pytest.param(op, attributes, id=f"{op}{''.join(map(str, attributes.values()))}")
        for op, attributes in (
            ("Abs", {}),
            ("Ceil", {}),
            ("Cos", {}),
            ("Elu", {}),
            ("Elu", {"alpha": 0.3}),
            ("Erf", {}),
            ("Exp", {}),
            ("Floor", {}),
            ("Gelu", {}),
            ("Gelu", {"approximate": "tanh"}),
            ("HardSwish", {}),
            ("LeakyRelu", {"alpha": 0.2}),
            ("Neg", {}),
            ("Reciprocal", {}),
            ("Relu", {}),
            ("Round", {}),
            ("Sigmoid", {}),
            ("Sign", {}),
            ("Sin", {}),
            ("Tanh", {}),
        )
    ],
)
def test_a_function_of_one_tensor(op: str, attributes: dict[str, Any]) -> None:
    sketch = _sketch(1)
    image, row = sketch.input(2, 3, 4, 5), sketch.input(3, 7)
    outputs = [sketch.node(op, each, **attributes) for each in (image, row)]
    assert float_error(sketch.graph(*outputs)) <= 1e-5


@pytest.mark.parametrize("op", ["Log", "Sqrt"])
def test_a_function_of_positive_numbers(op: str) -> None:
    sketch = _sketch(1)
    positive = sketch.node("Abs", sketch.input(2, 3, 4, 5))
    assert float_error(sketch.graph(sketch.node(op, positive))) <= 1e-5


@_EXAMPLES
@given(
    low=st.sampled_from([None, -1.0, 0.0, 0.1]),
    high=st.sampled_from([None, 1.0, 6.0, 0.7]),
    shape=_SHAPES,
)
def test_a_clamp(low: float | None, high: float | None, shape: tuple[int, ...]) -> None:
    sketch = _sketch(1)
    bounds = [sketch.constant(np.float32(each)) if each is not None else "" for each in (low, high)]
    assert float_error(sketch.graph(sketch.node("Clip", sketch.input(*shape), *bounds))) == 0


@pytest.mark.parametrize("bounds", [(0.0, 6.0), (0.0, np.inf), (-0.4, 0.3)])
@pytest.mark.parametrize("host", ["Conv", "Gemm", "Add"])
def test_a_clamp_after_its_host(host: str, bounds: tuple[float, float]) -> None:
    sketch = _sketch(1)
    if host == "Conv":
        before = sketch.conv(sketch.input(1, 3, 5, 5), (4, 3, 3, 3))
    elif host == "Gemm":
        before = sketch.gemm(sketch.input(2, 5), 4, 5)
    else:
        before = sketch.node("Add", sketch.input(2, 5), sketch.input(2, 5))
    limits = [sketch.constant(np.float32(each)) for each in bounds]
    assert float_error(sketch.graph(sketch.node("Clip", before, *limits))) <= _TOLERANCE


def test_a_slope_a_channel() -> None:
    sketch = _sketch(1)
    image = sketch.node("PRelu", sketch.input(2, 3, 4, 5), sketch.random(3, 1, 1))
    row = sketch.node("PRelu", sketch.input(2, 4), sketch.random(4))
    assert float_error(sketch.graph(image, row)) <= _TOLERANCE


_OPERANDS = [
    ((2, 5, 3, 4), (2, 5, 3, 4)),
    ((2, 5, 3, 4), (1, 5, 1, 1)),
    ((2, 5, 3, 4), (5, 1, 1)),
    ((2, 5, 3, 4), (3, 4)),
    ((3, 4), (2, 5, 3, 4)),
    ((2, 5), (5,)),
    ((2, 5, 3), (5, 1)),
    ((2, 1, 3), (1, 5, 1)),
]


@pytest.mark.parametrize(("first", "second"), _OPERANDS)
@pytest.mark.parametrize("is_constant", [True, False])
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
def test_arithmetic_broadcasts_as_in_onnx(
    op: str, is_constant: bool, first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    sketch = _sketch(1)
    left = sketch.input(*first)
    right = sketch.random(*second) if is_constant else sketch.input(*second)
    pair = (left, right) if op != "Div" else (left, _away_from_zero(sketch, right))
    assert float_error(sketch.graph(sketch.node(op, *pair))) <= _TOLERANCE


def _away_from_zero(sketch: Sketch, name: str) -> str:
    return sketch.node("Add", sketch.node("Abs", name), sketch.constant(np.float32(0.5)))


@pytest.mark.parametrize("op", ["Max", "Min", "Sum", "Mean"])
def test_any_number_of_operands(op: str) -> None:
    sketch = _sketch(1)
    operands = [sketch.input(2, 3, 4, 5), sketch.random(3, 1, 1), sketch.input(2, 1, 4, 1)]
    graphs = [sketch.node(op, *operands[:count]) for count in (1, 2, 3)]
    assert float_error(sketch.graph(*graphs)) <= _TOLERANCE


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0, 3.0, -1.5])
def test_a_power(exponent: float) -> None:
    sketch = _sketch(1)
    base = _away_from_zero(sketch, sketch.input(2, 3, 4, 5))
    power = sketch.node("Pow", base, sketch.constant(np.float32(exponent)))
    whole = sketch.node("Pow", sketch.inputs and base, sketch.integers(2))
    assert float_error(sketch.graph(power, whole)) <= 1e-5


@pytest.mark.parametrize("op", ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
def test_a_comparison_chooses_between_tensors(op: str) -> None:
    sketch = _sketch(1)
    left, right = sketch.input(2, 3, 4, 5), sketch.input(3, 1, 1)
    chosen = sketch.node(op, left, right)
    where = sketch.node("Where", chosen, left, sketch.constant(np.float32(-7)))
    assert float_error(sketch.graph(chosen, where)) == 0


def test_logic_of_truth_values() -> None:
    sketch = _sketch(1)
    left, right = sketch.input(2, 3, dtype="bool"), sketch.input(2, 3, dtype="bool")
    outputs = [sketch.node(op, left, right) for op in ("And", "Or", "Xor")]
    outputs.append(sketch.node("Not", left))
    assert float_error(sketch.graph(*outputs)) == 0


@pytest.mark.parametrize("to", [1, 6, 7, 9])
@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "bool"])
def test_a_cast(dtype: str, to: int) -> None:
    sketch = _sketch(1)
    assert (
        float_error(sketch.graph(sketch.node("Cast", sketch.input(2, 5, dtype=dtype), to=to))) == 0
    )


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Max", "Min"])
def test_arithmetic_of_integers(op: str) -> None:
    sketch = _sketch(1)
    left, right = sketch.input(2, 5, dtype="int64"), sketch.input(2, 5, dtype="int64")
    assert float_error(sketch.graph(sketch.node(op, left, right))) == 0


@_EXAMPLES
@given(shape=_SHAPES, axis=st.integers(-4, 3), op=st.sampled_from(["Softmax", "LogSoftmax"]))
def test_softmax_over_any_axis(shape: tuple[int, ...], axis: int, op: str) -> None:
    sketch = _sketch(1)
    axis = axis % len(shape)
    graph = sketch.graph(sketch.node(op, sketch.input(*shape), axis=axis))
    assert float_error(graph) <= 1e-5


@_EXAMPLES
@given(
    shape=_SHAPES,
    picked=st.sets(st.integers(0, 3), min_size=1, max_size=3),
    keep=st.integers(0, 1),
    op=st.sampled_from(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"]),
)
def test_a_reduction_over_any_axes(
    shape: tuple[int, ...], picked: set[int], keep: int, op: str
) -> None:
    sketch = _sketch(1)
    axes = tuple(sorted({axis % len(shape) for axis in picked}))
    source = sketch.input(*shape)
    if op == "ReduceSum":
        reduced = sketch.node(op, source, sketch.integers(*axes), keepdims=keep)
    else:
        reduced = sketch.node(op, source, axes=axes, keepdims=keep)
    assert float_error(sketch.graph(sketch.node("Abs", reduced))) <= 1e-5


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 7)])
def test_a_global_pool(op: str, shape: tuple[int, ...]) -> None:
    sketch = _sketch(1)
    assert float_error(sketch.graph(sketch.node(op, sketch.input(*shape)))) <= _TOLERANCE


@_EXAMPLES
@given(
    shape=_SHAPES,
    axis=st.integers(-4, 3),
    keep=st.integers(0, 1),
    op=st.sampled_from(["ArgMax", "ArgMin"]),
)
def test_where_the_extremum_is(shape: tuple[int, ...], axis: int, keep: int, op: str) -> None:
    sketch = _sketch(1)
    found = sketch.node(op, sketch.input(*shape), axis=axis % len(shape), keepdims=keep)
    assert float_error(sketch.graph(found)) == 0


@pytest.mark.parametrize(("shape", "axis"), [((2, 3, 4, 5), 1), ((2, 6), -1), ((2, 6, 4), 1)])
def test_the_largest_values_and_where_they_are(shape: tuple[int, ...], axis: int) -> None:
    sketch = _sketch(1)
    names = ("values", "places")
    source = sketch.input(*shape)
    sketch.node("TopK", source, sketch.integers(2), axis=axis)
    sketch.nodes[-1] = sketch.nodes[-1].__class__(
        "TopK", sketch.nodes[-1].inputs, names, {"axis": axis}, "top"
    )
    assert float_error(sketch.graph(*names)) == 0


def test_running_sums() -> None:
    sketch = _sketch(1)
    source, axis = sketch.input(2, 3, 4, 5), sketch.constant(np.int64(2))
    outputs = [
        sketch.node("CumSum", source, axis, exclusive=exclusive, reverse=reverse)
        for exclusive in (0, 1)
        for reverse in (0, 1)
    ]
    assert float_error(sketch.graph(*outputs)) <= _TOLERANCE


def test_indices_as_vectors() -> None:
    sketch = _sketch(1)
    source = sketch.input(2, 3, dtype="int64")
    values = sketch.constant(np.array([-1, 2], np.float32))
    outputs = [
        sketch.node("OneHot", source, sketch.constant(np.int64(4)), values, axis=axis)
        for axis in (-1, 1)
    ]
    assert float_error(sketch.graph(*outputs)) == 0
