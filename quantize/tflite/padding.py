"""ONNX windows (kernel, strides, dilations, explicit pads) as TFLite's SAME, VALID or a PAD.

TFLite's SAME, for an input of length `n`, stride `s` and dilated kernel `k`: the output is
`ceil(n / s)` long and `max((out - 1) * s + k - n, 0)` cells are added, the odd one at the end
(`ComputePaddingHeightWidth` in `tensorflow/lite/kernels/padding.h`).
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.schema import Padding

__all__ = ["Placement", "Window", "place_window", "read_window"]

_NO_PADS = ((0, 0), (0, 0))


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window over H and W.

    Attributes:
        kernel: (height, width).
        strides: (height, width).
        dilations: (height, width).
        pads: ((top, bottom), (left, right)) as ONNX states them.
    """

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Placement:
    """How TFLite puts the same window.

    Attributes:
        padding: the operator's own padding.
        explicit: ((top, bottom), (left, right)) that a PAD before it must add.
    """

    padding: Padding
    explicit: tuple[tuple[int, int], tuple[int, int]] = _NO_PADS

    @property
    def needs_pad(self) -> bool:
        """Whether anything must be added before the operator."""
        return self.explicit != _NO_PADS


def read_window(node: Node, kernel: tuple[int, ...], size: tuple[int, ...]) -> Window:
    """Read a Conv's or a pooling node's window.

    Args:
        node: its attributes strides, dilations, pads and auto_pad are read.
        kernel: (height, width).
        size: (height, width) of the input, which auto_pad depends on.

    Raises:
        UnsupportedInputError: the window is not two-dimensional.
    """
    if len(kernel) != 2:  # noqa: PLR2004 - height and width
        raise UnsupportedInputError(
            f"its window has {len(kernel)} dimensions; only 2 (height, width) can be written"
        )
    attributes = node.attributes
    strides = tuple(attributes.get("strides") or (1, 1))
    dilations = tuple(attributes.get("dilations") or (1, 1))
    automatic = str(attributes.get("auto_pad") or "NOTSET")
    if automatic == "NOTSET":
        top, left, bottom, right = attributes.get("pads") or (0, 0, 0, 0)
        pads = ((top, bottom), (left, right))
    elif automatic == "VALID":
        pads = _NO_PADS
    else:
        at_start = automatic == "SAME_LOWER"
        pads = (
            _automatic(size[0], (kernel[0] - 1) * dilations[0] + 1, strides[0], at_start),
            _automatic(size[1], (kernel[1] - 1) * dilations[1] + 1, strides[1], at_start),
        )
    return Window(
        (kernel[0], kernel[1]), (strides[0], strides[1]), (dilations[0], dilations[1]), pads
    )


def _automatic(length: int, extent: int, stride: int, at_start: bool) -> tuple[int, int]:  # noqa: FBT001
    out = -(-length // stride)
    total = max((out - 1) * stride + extent - length, 0)
    small, large = total // 2, total - total // 2
    return (large, small) if at_start else (small, large)


def place_window(window: Window, size: tuple[int, ...], out: tuple[int, ...]) -> Placement:
    """Choose SAME or VALID, or VALID after an explicit PAD.

    Pads that no window reaches are dropped: a 3x3 window of stride 2 over 112 cells with pads
    (1, 1) ends at cell 111.

    Args:
        window: as ONNX states it.
        size: (height, width) of the input.
        out: (height, width) of the output. Where it is larger than the pads allow (ceil_mode),
            the missing cells are padded at the end.

    Raises:
        UnsupportedInputError: negative pads, or an output that this window cannot give.
    """
    reached = tuple(_reached_pads(window, axis, size[axis], out[axis]) for axis in (0, 1))
    same = all(
        reached[axis] == _automatic(size[axis], _extent(window, axis), window.strides[axis], False)
        and out[axis] == -(-size[axis] // window.strides[axis])
        for axis in (0, 1)
    )
    return Placement(Padding.SAME) if same else Placement(Padding.VALID, (reached[0], reached[1]))


def _extent(window: Window, axis: int) -> int:
    return (window.kernel[axis] - 1) * window.dilations[axis] + 1


def _reached_pads(window: Window, axis: int, length: int, out: int) -> tuple[int, int]:
    before, stated_after = window.pads[axis]
    stride, extent = window.strides[axis], _extent(window, axis)
    after = max((out - 1) * stride + extent - length - before, 0)
    if before < 0 or stated_after < 0:
        raise UnsupportedInputError(f"its pads {window.pads} are negative; crop beforehand")
    if out != (length + before + after - extent) // stride + 1:
        raise UnsupportedInputError(
            f"a window of {extent} with stride {stride} and pads {window.pads[axis]} over "
            f"{length} cells does not give {out}; check the graph's shapes"
        )
    return before, after
