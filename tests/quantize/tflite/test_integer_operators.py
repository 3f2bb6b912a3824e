"""Integers and truth values are moved and computed with exactly: indices, categories, masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from sketches import Sketch
from tflite_cases import float_error

_SHAPE = (2, 3, 4, 5)

Draw = Callable[[Sketch, str, str], str]

_MOVES: Mapping[str, Draw] = {
    "Concat": lambda s, x, _: s.node("Concat", x, x, axis=2),
    "Equal": lambda s, x, _: s.node("Equal", x, x),
    "Expand": lambda s, x, _: s.node("Expand", x, s.integers(2, *_SHAPE)),
    "Gather": lambda s, x, _: s.node("Gather", x, s.integers(2, 0), axis=1),
    "Reshape": lambda s, x, _: s.node("Reshape", x, s.integers(2, 3, 20)),
    "Slice": lambda s, x, _: s.node("Slice", x, *(s.integers(n) for n in (1, 3, 3))),
    "Slice with steps": lambda s, x, _: s.node(
        "Slice", x, *(s.integers(n) for n in (4, -9, 3, -2))
    ),
    "Tile": lambda s, x, _: s.node("Tile", x, s.integers(1, 2, 1, 1)),
    "Transpose": lambda s, x, _: s.node("Transpose", x, perm=(0, 2, 3, 1)),
}


def _number(sketch: Sketch, value: int, dtype: str) -> str:
    return sketch.constant(np.array(value, dtype))


_ARITHMETIC: Mapping[str, Draw] = {
    "Abs": lambda s, x, _: s.node("Abs", x),
    "ArgMax": lambda s, x, _: s.node("ArgMax", x, axis=1),
    "Clip": lambda s, x, dtype: s.node("Clip", x, _number(s, 1, dtype), _number(s, 2, dtype)),
    "Clip above": lambda s, x, dtype: s.node("Clip", x, "", _number(s, 2, dtype)),
    "CumSum": lambda s, x, _: s.node("CumSum", x, s.constant(np.int64(1))),
    "Div": lambda s, x, dtype: s.node("Div", x, _number(s, 2, dtype)),
    "Greater": lambda s, x, dtype: s.node("Greater", x, _number(s, 1, dtype)),
    "Neg": lambda s, x, _: s.node("Neg", x),
    "Pad": lambda s, x, dtype: s.node(
        "Pad", x, s.integers(0, 0, 1, 0, 0, 0, 0, 1), _number(s, 3, dtype)
    ),
    "Pow": lambda s, x, dtype: s.node("Pow", x, _number(s, 3, dtype)),
    "Pow of 2": lambda s, x, dtype: s.node("Pow", x, _number(s, 2, dtype)),
    "ReduceMax": lambda s, x, _: s.node("ReduceMax", x, axes=(1,), keepdims=0),
    "ReduceMin": lambda s, x, _: s.node("ReduceMin", x, axes=(1,), keepdims=0),
    "ReduceProd": lambda s, x, _: s.node("ReduceProd", x, axes=(1,), keepdims=0),
    "ReduceSum": lambda s, x, _: s.node("ReduceSum", x, s.integers(1), keepdims=0),
    "Sign": lambda s, x, _: s.node("Sign", x),
    "Where": lambda s, x, _: s.node("Where", s.node("Equal", x, x), x, x),
}


@pytest.mark.parametrize("dtype", ["bool", "int32", "int64"])
@pytest.mark.parametrize("draw", _MOVES.values(), ids=_MOVES)
def test_what_is_moved_stays_the_same(draw: Draw, dtype: str) -> None:
    sketch = Sketch(np.random.default_rng(1))
    source = sketch.input(*_SHAPE, dtype=dtype)
    assert float_error(sketch.graph(draw(sketch, source, dtype))) == 0


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("draw", _ARITHMETIC.values(), ids=_ARITHMETIC)
def test_integers_are_computed_with_exactly(draw: Draw, dtype: str) -> None:
    sketch = Sketch(np.random.default_rng(1))
    source = sketch.input(*_SHAPE, dtype=dtype)
    assert float_error(sketch.graph(draw(sketch, source, dtype))) == 0


def test_bounds_beyond_32_bits_saturate() -> None:
    sketch = Sketch(np.random.default_rng(1))
    bounds = [sketch.constant(np.array(n, np.int64)) for n in (1, 2**62)]
    clamped = sketch.node("Clip", sketch.input(2, 3, dtype="int64"), *bounds)
    assert float_error(sketch.graph(clamped)) == 0
