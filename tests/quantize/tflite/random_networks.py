"""Networks of operators drawn at random, to find orders that are handed on wrongly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sketches import Sketch, run_float

from quantize.graph import FloatGraph

__all__ = ["random_network"]

_MOST_VALUES = 600


class _Drawing:
    """A sketch whose tensors' shapes are known at once."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.sketch = Sketch(self.random)
        self.shapes: dict[str, tuple[int, ...]] = {}

    def input(self, *shape: int) -> None:
        self.shapes[self.sketch.input(*shape)] = shape

    def add(self, op: str, *inputs: str, **attributes: object) -> None:
        name = self.sketch.node(op, *inputs, **attributes)
        sketch = self.sketch
        drawn = FloatGraph((sketch.nodes[-1],), inputs, (name,), sketch.constants, self.shapes)
        activations = tuple(dict.fromkeys(each for each in inputs if each in self.shapes))
        drawn = FloatGraph(drawn.nodes, activations, (name,), sketch.constants, self.shapes)
        zeros = {each: np.zeros(self.shapes[each], np.float32) for each in activations}
        self.shapes[name] = tuple(run_float(drawn, zeros)[name].shape)

    def pick(self) -> str:
        """Any tensor, late ones more often."""
        names = list(self.shapes)
        weights = np.arange(1, len(names) + 1, dtype=float) ** 2
        return names[int(self.random.choice(len(names), p=weights / weights.sum()))]

    def chance(self, *choices: object) -> object:
        return choices[int(self.random.integers(len(choices)))]


def _convolution(drawing: _Drawing, source: str) -> None:
    shape = drawing.shapes[source]
    if len(shape) == 4:
        out = int(drawing.random.integers(1, 5))
        kernel = 3 if min(shape[2:]) > 2 else 1
        pads = (kernel // 2,) * 4
        weights = drawing.sketch.random(out, shape[1], kernel, kernel, spread=0.5)
        drawing.add("Conv", source, weights, kernel_shape=(kernel, kernel), pads=pads)


def _transpose(drawing: _Drawing, source: str) -> None:
    rank = len(drawing.shapes[source])
    usual = {4: [(0, 2, 3, 1), (0, 3, 1, 2), (0, 2, 1, 3)], 3: [(0, 2, 1)], 2: [(1, 0)]}
    perm = drawing.chance(*usual.get(rank, []), tuple(drawing.random.permutation(rank).tolist()))
    drawing.add("Transpose", source, perm=perm)


def _reshape(drawing: _Drawing, source: str) -> None:
    shape = list(drawing.shapes[source])
    at = int(drawing.random.integers(len(shape)))
    divisors = [n for n in range(2, shape[at]) if shape[at] % n == 0]
    if divisors and len(shape) < 5 and drawing.chance(True, False):
        part = int(drawing.random.choice(divisors))
        shape[at : at + 1] = [part, shape[at] // part]
    elif len(shape) > 1:
        at = min(at, len(shape) - 2)
        shape[at : at + 2] = [shape[at] * shape[at + 1]]
    elif len(shape) < 4:
        shape.insert(at, 1)
    drawing.add("Reshape", source, drawing.sketch.integers(*shape))


def _elementwise(drawing: _Drawing, source: str) -> None:
    shape = drawing.shapes[source]
    op = str(drawing.chance("Add", "Mul", "Sub"))
    same = [name for name, each in drawing.shapes.items() if each == shape]
    other = str(drawing.chance(*same))
    if drawing.chance(True, False):
        other = drawing.sketch.random(*(shape[len(shape) // 2 :]))
    drawing.add(op, source, other)


def _lower_rank(drawing: _Drawing, source: str) -> None:
    """An activation of fewer axes broadcasts."""
    shape = drawing.shapes[source]
    for name, each in list(drawing.shapes.items()):
        if len(each) < len(shape) and each == shape[len(shape) - len(each) :]:
            drawing.add("Add", name, source)
            return


def _concat(drawing: _Drawing, source: str) -> None:
    shape = drawing.shapes[source]
    same = [name for name, each in drawing.shapes.items() if each == shape]
    axis = int(drawing.random.integers(len(shape)))
    drawing.add("Concat", source, str(drawing.chance(*same)), axis=axis)


def _slice(drawing: _Drawing, source: str) -> None:
    shape = drawing.shapes[source]
    axis = int(drawing.random.integers(len(shape)))
    if shape[axis] > 1:
        start = int(drawing.random.integers(shape[axis] - 1))
        bounds = [drawing.sketch.integers(n) for n in (start, shape[axis], axis)]
        drawing.add("Slice", source, *bounds)


def _reduce(drawing: _Drawing, source: str) -> None:
    rank = len(drawing.shapes[source])
    if rank > 1:
        axis = int(drawing.random.integers(rank))
        drawing.add("ReduceMean", source, axes=(axis,), keepdims=int(drawing.chance(0, 1)))


def _along_an_axis(drawing: _Drawing, source: str) -> None:
    axis = int(drawing.random.integers(len(drawing.shapes[source])))
    drawing.add("Softmax", source, axis=axis)


def _matrix_product(drawing: _Drawing, source: str) -> None:
    shape = drawing.shapes[source]
    if len(shape) >= 3:
        turned = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
        drawing.add("Transpose", source, perm=turned)
        drawing.add("MatMul", source, list(drawing.shapes)[-1])


def _pool(drawing: _Drawing, source: str) -> None:
    shape = drawing.shapes[source]
    if len(shape) == 4 and min(shape[2:]) > 1:
        drawing.add("MaxPool", source, kernel_shape=(2, 2), pads=(0, 0, 1, 1))


def _function(drawing: _Drawing, source: str) -> None:
    drawing.add(str(drawing.chance("Relu", "Tanh", "Sigmoid", "LeakyRelu")), source)


_KINDS: tuple[Callable[[_Drawing, str], None], ...] = (
    _along_an_axis,
    _concat,
    _convolution,
    _elementwise,
    _function,
    _lower_rank,
    _matrix_product,
    _pool,
    _reduce,
    _reshape,
    _slice,
    _transpose,
)


def random_network(seed: int, length: int = 14) -> FloatGraph:
    """A network of about `length` operators; every tensor that nothing reads is an output."""
    drawing = _Drawing(seed)
    drawing.input(1, 4, 6, 5)
    drawing.input(1, 6, 4)
    for _ in range(length):
        source = drawing.pick()
        if np.prod(drawing.shapes[source]) <= _MOST_VALUES:
            kind = _KINDS[int(drawing.random.integers(len(_KINDS)))]
            kind(drawing, source)
    read = {name for node in drawing.sketch.nodes for name in node.inputs}
    outputs = [name for name in drawing.shapes if name not in read]
    outputs = [name for name in outputs if name not in drawing.sketch.inputs]
    return drawing.sketch.graph(*outputs)
