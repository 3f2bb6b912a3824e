"""Small whole networks in the styles that exporters write."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from sketches import Sketch

from quantize.graph import FloatGraph

_SAME_AT_THE_END = (0, 0, 1, 1)
_SYMMETRIC = (1, 1, 1, 1)


def _relu6(sketch: Sketch, source: str) -> str:
    low, high = sketch.constant(np.float32(0)), sketch.constant(np.float32(6))
    return sketch.node("Clip", source, low, high)


def _flatten(sketch: Sketch, source: str, *shape: int) -> str:
    return sketch.node("Reshape", source, sketch.constant(np.array(shape, np.int64)))


def _classifier(sketch: Sketch, source: str, channels: int) -> FloatGraph:
    pooled = _flatten(sketch, sketch.node("GlobalAveragePool", source), 1, channels)
    return sketch.graph(sketch.gemm(pooled, 3, channels))


def residual() -> FloatGraph:
    """ResNet as PyTorch exports it: symmetric pads, max pooling, a strided shortcut."""
    sketch = Sketch(np.random.default_rng(1))
    image = sketch.input(1, 3, 32, 32)
    stem = sketch.node("Relu", sketch.conv(image, (8, 3, 7, 7), pads=(3,) * 4, strides=(2, 2)))
    trunk = sketch.node("MaxPool", stem, kernel_shape=(3, 3), strides=(2, 2), pads=_SYMMETRIC)
    for into, out, stride in ((8, 8, 1), (8, 16, 2)):
        inner = sketch.conv(trunk, (out, into, 3, 3), pads=_SYMMETRIC, strides=(stride, stride))
        inner = sketch.conv(sketch.node("Relu", inner), (out, out, 3, 3), pads=_SYMMETRIC)
        shortcut = trunk
        if stride > 1:
            shortcut = sketch.conv(trunk, (out, into, 1, 1), strides=(stride, stride))
        trunk = sketch.node("Relu", sketch.node("Add", inner, shortcut))
    return _classifier(sketch, trunk, 16)


def inverted_residual() -> FloatGraph:
    """EfficientNet-Lite as exported from TensorFlow: pads at the end, Relu6, 5x5 depthwise."""
    sketch = Sketch(np.random.default_rng(2))
    image = sketch.input(1, 1, 32, 32)
    stem = sketch.conv(image, (8, 1, 3, 3), pads=_SAME_AT_THE_END, strides=(2, 2))
    trunk, into = _relu6(sketch, stem), 8
    for out, kernel, stride in ((8, 3, 1), (12, 5, 2), (12, 5, 1), (16, 3, 2)):
        wide = into * 4
        hidden = _relu6(sketch, sketch.conv(trunk, (wide, into, 1, 1)))
        before = (kernel - stride) // 2
        pads = (before, before, kernel - stride - before, kernel - stride - before)
        hidden = sketch.conv(
            hidden, (wide, 1, kernel, kernel), group=wide, strides=(stride, stride), pads=pads
        )
        hidden = sketch.conv(_relu6(sketch, hidden), (out, wide, 1, 1))
        trunk = sketch.node("Add", trunk, hidden) if stride == 1 and into == out else hidden
        into = out
    return _classifier(sketch, _relu6(sketch, sketch.conv(trunk, (32, 16, 1, 1))), 32)


def dense() -> FloatGraph:
    """DenseNet: normalisation left as Mul and Add, Concat, average pooling."""
    sketch = Sketch(np.random.default_rng(3))
    trunk, channels = sketch.conv(sketch.input(1, 3, 16, 16), (8, 3, 3, 3), pads=_SYMMETRIC), 8
    for _ in range(2):
        scaled = sketch.node("Mul", trunk, sketch.random(channels, 1, 1))
        shifted = sketch.node("Add", scaled, sketch.random(channels, 1, 1, spread=0.3))
        grown = sketch.conv(sketch.node("Relu", shifted), (4, channels, 3, 3), pads=_SYMMETRIC)
        trunk, channels = sketch.node("Concat", trunk, grown, axis=1), channels + 4
    pooled = sketch.node("AveragePool", trunk, kernel_shape=(2, 2), strides=(2, 2))
    return _classifier(sketch, pooled, channels)


def flattened() -> FloatGraph:
    """LeNet and VGG: an image of several positions is flattened into a Gemm."""
    sketch = Sketch(np.random.default_rng(4))
    trunk = sketch.node("Relu", sketch.conv(sketch.input(2, 1, 12, 10), (5, 1, 3, 3)))
    pooled = sketch.node("MaxPool", trunk, kernel_shape=(2, 2), strides=(2, 2))
    hidden = sketch.node("Relu", sketch.gemm(_flatten(sketch, pooled, 2, 100), 9, 100))
    return sketch.graph(sketch.node("Softmax", sketch.gemm(hidden, 4, 9), axis=-1))


def gated() -> FloatGraph:
    """MobileNetV3: squeeze and excitation with a hard sigmoid as Add, Clip and Mul."""
    sketch = Sketch(np.random.default_rng(5))
    image = sketch.conv(sketch.input(1, 3, 12, 12), (12, 3, 3, 3), pads=_SYMMETRIC, strides=(2, 2))
    squeezed = sketch.conv(sketch.node("GlobalAveragePool", image), (4, 12, 1, 1))
    excited = sketch.conv(sketch.node("Relu", squeezed), (12, 4, 1, 1))
    shifted = sketch.node("Add", excited, sketch.constant(np.float32(3)))
    gate = sketch.node("Mul", _relu6(sketch, shifted), sketch.constant(np.float32(1 / 6)))
    return _classifier(sketch, sketch.node("Mul", image, gate), 12)


def _hard_swish(sketch: Sketch, source: str) -> str:
    """As the import leaves it: XNNPACK has no int8 HARD_SWISH."""
    opened = _relu6(sketch, sketch.node("Add", source, sketch.constant(np.float32(3))))
    gate = sketch.node("Mul", opened, sketch.constant(np.float32(1 / 6)))
    return sketch.node("Mul", source, gate)


def hard_swish() -> FloatGraph:
    """MobileNetV3's inverted residual: hard swish around a gated 5x5 depthwise convolution."""
    sketch = Sketch(np.random.default_rng(7))
    image = sketch.input(1, 3, 16, 16)
    stem = sketch.conv(image, (8, 3, 3, 3), pads=_SYMMETRIC, strides=(2, 2))
    trunk = _hard_swish(sketch, stem)
    wide = _hard_swish(sketch, sketch.conv(trunk, (24, 8, 1, 1)))
    deep = sketch.conv(wide, (24, 1, 5, 5), group=24, pads=(2,) * 4)
    squeezed = sketch.conv(sketch.node("GlobalAveragePool", deep), (8, 24, 1, 1))
    excited = sketch.conv(sketch.node("Relu", squeezed), (24, 8, 1, 1))
    shifted = sketch.node("Add", excited, sketch.constant(np.float32(3)))
    gate = sketch.node("Mul", _relu6(sketch, shifted), sketch.constant(np.float32(1 / 6)))
    gated = _hard_swish(sketch, sketch.node("Mul", deep, gate))
    trunk = sketch.node("Add", trunk, sketch.conv(gated, (8, 24, 1, 1)))
    return _classifier(sketch, trunk, 8)


def segmentation() -> FloatGraph:
    """An image comes out: a class for every position, two outputs, one read further."""
    sketch = Sketch(np.random.default_rng(6))
    image = sketch.input(1, 2, 9, 7)
    low, high = sketch.constant(np.float32(-0.5)), sketch.constant(np.float32(0.5))
    features = sketch.node(
        "Clip", sketch.conv(image, (6, 2, 3, 3), dilations=(2, 2), pads=(2,) * 4), low, high
    )
    scores = sketch.conv(features, (3, 6, 1, 1))
    return sketch.graph(scores, sketch.node("Sigmoid", scores))


NETWORKS: Mapping[str, Callable[[], FloatGraph]] = {
    network.__name__: network
    for network in (residual, inverted_residual, dense, flattened, gated, hard_swish, segmentation)
}
