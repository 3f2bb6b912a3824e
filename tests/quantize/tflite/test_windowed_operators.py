"""Conv and pooling of any shape come out of LiteRT within one output step of their meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sketches import Sketch
from tflite_cases import (
    quantized,
    worst_steps,
)

from quantize.graph import FloatGraph
from quantize.tflite_model import write_tflite

# One operator: the kernels round once, `simulate` rounds once, and a tie may fall either way.
_ONE_STEP = (1, 1)
_EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True, database=None)

_PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))
_PADS = st.one_of(
    st.just((0, 0, 0, 0)),
    st.just((1, 1, 1, 1)),
    st.just((0, 0, 1, 1)),
    st.tuples(*[st.integers(0, 3)] * 4),
)


@st.composite
def _windows(draw: st.DrawFn, *, dilated: bool) -> dict[str, Any]:
    """Attributes of a window, with pads that no kernel lies wholly in."""
    kernel = draw(_PAIR)
    dilations = draw(st.one_of(st.just((1, 1)), _PAIR)) if dilated else (1, 1)
    window: dict[str, Any] = {"kernel_shape": kernel, "strides": draw(_PAIR)}
    if dilated:
        window["dilations"] = dilations
    if draw(st.integers(0, 3)) == 0:
        window["auto_pad"] = draw(st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]))
    else:
        pads = draw(_PADS)
        assume(all(pads[i] < kernel[i % 2] for i in range(4)) or dilated)
        window["pads"] = pads
    return window


def _fits(size: tuple[int, int], window: dict[str, Any]) -> bool:
    dilations = window.get("dilations", (1, 1))
    if "auto_pad" in window and (
        max(window["strides"]) > min(window["kernel_shape"]) or max(dilations) > 1
    ):
        return False  # onnxruntime, which says what they mean, refuses these
    pads = window.get("pads", (0, 0, 0, 0))
    return all(
        size[axis] + pads[axis] + pads[axis + 2]
        >= (window["kernel_shape"][axis] - 1) * dilations[axis] + 1
        for axis in (0, 1)
    )


_SIZES = st.tuples(st.integers(3, 13), st.integers(3, 13))


@_EXAMPLES
@given(
    window=_windows(dilated=True),
    size=_SIZES,
    batch=st.integers(1, 2),
    channels=st.integers(1, 7),
    filters=st.integers(1, 9),
    bias=st.booleans(),
    per_channel=st.booleans(),
    activation=st.sampled_from([None, "Relu", "Relu6", "Clip"]),
    seed=st.integers(0, 99),
)
def test_a_convolution_is_within_one_step(
    window: dict[str, Any],
    size: tuple[int, int],
    batch: int,
    channels: int,
    filters: int,
    bias: bool,
    per_channel: bool,
    activation: str | None,
    seed: int,
) -> None:
    assume(_fits(size, window))
    sketch = Sketch(np.random.default_rng(seed))
    source = sketch.input(batch, channels, *size)
    del_kernel = {key: value for key, value in window.items() if key != "kernel_shape"}
    shape = (filters, channels, *window["kernel_shape"])
    case = _activated(sketch, sketch.conv(source, shape, bias=bias, **del_kernel), activation)
    _check(case, per_channel=per_channel)


@_EXAMPLES
@given(
    window=_windows(dilated=True),
    size=_SIZES,
    groups=st.integers(2, 6),
    inner=st.integers(1, 3),
    outer=st.integers(1, 3),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_depthwise_or_grouped_convolution_is_within_one_step(
    window: dict[str, Any],
    size: tuple[int, int],
    groups: int,
    inner: int,
    outer: int,
    bias: bool,
    seed: int,
) -> None:
    assume(_fits(size, window))
    sketch = Sketch(np.random.default_rng(seed))
    source = sketch.input(1, groups * inner, *size)
    rest = {key: value for key, value in window.items() if key != "kernel_shape"}
    shape = (groups * outer, inner, *window["kernel_shape"])
    out = sketch.conv(source, shape, bias=bias, group=groups, **rest)
    _check(sketch.graph(out))


@_EXAMPLES
@given(
    window=_windows(dilated=False),
    size=_SIZES,
    ceil_mode=st.booleans(),
    after_relu=st.booleans(),
    seed=st.integers(0, 99),
)
def test_max_pooling_is_exact(
    window: dict[str, Any], size: tuple[int, int], ceil_mode: bool, after_relu: bool, seed: int
) -> None:
    """Cells added around the image never win, whatever the zero point."""
    assume(_fits(size, window))
    sketch = Sketch(np.random.default_rng(seed))
    source = sketch.input(1, 3, *size)
    if after_relu:
        source = sketch.node("Relu", sketch.conv(source, (4, 3, 1, 1)))
    ceil = {"ceil_mode": 1} if ceil_mode and "auto_pad" not in window else {}
    graph = sketch.graph(sketch.node("MaxPool", source, **window, **ceil))
    case = quantized(graph)
    allowed = _ONE_STEP if after_relu else (0, 0)
    assert max(worst_steps(write_tflite(case), case)) <= max(allowed)


@_EXAMPLES
@given(
    window=_windows(dilated=False),
    size=_SIZES,
    shared=st.booleans(),
    seed=st.integers(0, 99),
)
def test_average_pooling_that_counts_its_padding_is_within_one_step(
    window: dict[str, Any], size: tuple[int, int], shared: bool, seed: int
) -> None:
    assume(_fits(size, window))
    sketch = Sketch(np.random.default_rng(seed))
    source = sketch.input(1, 5, *size)
    graph = sketch.graph(sketch.node("AveragePool", source, **window, count_include_pad=1))
    case = quantized(graph, shared=shared)
    assert max(worst_steps(write_tflite(case), case)) <= max(_ONE_STEP)


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize("stride", [1, 2])
def test_average_pooling_in_tensorflow_style_leaves_the_padding_out_of_the_count(
    size: tuple[int, int], stride: int
) -> None:
    sketch = Sketch(np.random.default_rng(3))
    source = sketch.input(1, 4, *size)
    graph = sketch.graph(
        sketch.node(
            "AveragePool",
            source,
            kernel_shape=(3, 3),
            strides=(stride, stride),
            auto_pad="SAME_UPPER",
        )
    )
    _check(graph)


def _activated(sketch: Sketch, out: str, activation: str | None) -> FloatGraph:
    if activation == "Relu":
        out = sketch.node("Relu", out)
    elif activation is not None:
        low, high = (0.0, 6.0) if activation == "Relu6" else (-0.75, 0.5)
        bounds = [sketch.constant(np.float32(low)), sketch.constant(np.float32(high))]
        out = sketch.node("Clip", out, *bounds)
    return sketch.graph(out)


def _check(graph: FloatGraph, *, per_channel: bool = True) -> None:
    case = quantized(graph, per_channel=per_channel)
    assert max(worst_steps(write_tflite(case), case)) <= max(_ONE_STEP)
