"""The rows that a Conv or Gemm multiplies its weights with, a fixed number of them.

An output value of a layer is a row of input values times the weights, plus the bias. Rows are
taken at evenly spread positions of the output, the same ones every time, so that what is fitted
on them needs memory and time that do not grow with the examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node

__all__ = ["RowSampler", "grouped_weights", "is_layer"]

_LARGEST_ELEMENTS = 2**25
_FEWEST_ROWS = 1024
_ROWS_A_COLUMN = 12
_PICTURE_RANK = 4

Batch = NDArray[Any]


def is_layer(node: Node) -> bool:
    """Whether a node is a Conv or a Gemm."""
    return node.op in {"Conv", "Gemm"}


def grouped_weights(weights: Batch, groups: int) -> Batch:
    """(outputs, channels a group, ...) as (groups, outputs a group, columns)."""
    found: Batch = weights.reshape(groups, len(weights) // groups, -1)
    return found


@dataclass(frozen=True, slots=True)
class _Window:
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]


class RowSampler:
    """Rows of one layer.

    Args:
        graph: the graph that holds the layer.
        node: a Conv over two axes or a Gemm.
        examples: how many examples rows are taken from.

    Attributes:
        groups: of the convolution; 1 for a Gemm.
    """

    def __init__(self, graph: FloatGraph, node: Node, examples: int) -> None:
        weights = graph.shape(node.inputs[1])
        self.groups = int(node.attributes.get("group", 1)) if node.op == "Conv" else 1
        self._window = _window(node, weights) if node.op == "Conv" else None
        columns = int(np.prod(weights[1:]))
        wanted = max(_FEWEST_ROWS, _ROWS_A_COLUMN * columns)
        wanted = max(1, min(wanted, _LARGEST_ELEMENTS // (columns * self.groups)))
        shape = graph.shapes[node.outputs[0]]
        positions = int(np.prod(shape[2:])) if len(shape) == _PICTURE_RANK else 1
        each = max(1, min(positions, -(-wanted // examples)))
        # Steps of the golden ratio visit rows and columns of the picture evenly.
        at = np.floor(np.arange(each * examples) * 0.6180339887498949 % 1.0 * positions)
        self._at = at.astype(np.int64).reshape(examples, each)
        if each == positions:
            self._at[:] = np.arange(positions)
        self._width = shape[3] if len(shape) == _PICTURE_RANK else 1

    def rows(self, inputs: Batch) -> NDArray[np.float32]:
        """Rows from inputs (examples, 1, channels, ...).

        Returns:
            (groups, rows, columns) float32.
        """
        if self._window is None:
            flat: NDArray[np.float32] = inputs.reshape(1, -1, inputs.shape[-1])
            return flat
        found = [self._of_one(values[0], at) for values, at in zip(inputs, self._at, strict=True)]
        return np.concatenate(found, axis=1)

    def values(self, outputs: Batch) -> NDArray[np.float32]:
        """The outputs (examples, 1, channels, ...) at the same positions.

        Returns:
            (groups, rows, outputs a group) float32.
        """
        if self._window is None:
            flat = outputs.reshape(-1, outputs.shape[-1])
        else:
            flat = np.concatenate(
                [
                    values[0].reshape(values.shape[1], -1)[:, at].T
                    for values, at in zip(outputs, self._at, strict=True)
                ]
            )
        found: NDArray[np.float32] = flat.reshape(len(flat), self.groups, -1).transpose(1, 0, 2)
        return found

    def _of_one(self, picture: Batch, at: NDArray[np.int64]) -> NDArray[np.float32]:
        window = self._window
        assert window is not None  # noqa: S101 - only Conv layers come here
        top, left, bottom, right = window.pads
        padded = np.pad(picture, ((0, 0), (top, bottom), (left, right)))
        down = _offsets(at // self._width, window, axis=0)
        across = _offsets(at % self._width, window, axis=1)
        patches = padded[:, down[:, :, None], across[:, None, :]]
        grouped = patches.reshape(self.groups, -1, *patches.shape[1:])
        columns = grouped.shape[1] * grouped.shape[3] * grouped.shape[4]
        found: NDArray[np.float32] = grouped.transpose(0, 2, 1, 3, 4).reshape(
            self.groups, len(at), columns
        )
        return found


def _offsets(start: NDArray[np.int64], window: _Window, *, axis: int) -> NDArray[np.int64]:
    steps = np.arange(window.kernel[axis]) * window.dilations[axis]
    found: NDArray[np.int64] = start[:, None] * window.strides[axis] + steps[None, :]
    return found


def _window(node: Node, weights: Sequence[int]) -> _Window:
    def pair(name: str) -> tuple[int, int]:
        values = [int(each) for each in node.attributes.get(name, (1, 1))]
        return values[0], values[1]

    pads = [int(each) for each in node.attributes.get("pads", (0, 0, 0, 0))]
    return _Window(
        kernel=(weights[2], weights[3]),
        strides=pair("strides"),
        dilations=pair("dilations"),
        pads=(pads[0], pads[1], pads[2], pads[3]),
    )
