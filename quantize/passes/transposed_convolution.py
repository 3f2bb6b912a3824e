"""ConvTranspose becomes Conv, and DepthToSpace where it has strides.

A transposed convolution with stride s writes s * s interleaved pictures, each an ordinary
convolution of the input (Shi et al. 2016, "Is the deconvolution layer the same as a convolutional
layer?"). So both engines run it on their integer convolution kernels, with a scale for every
output channel. With stride 1 it is a convolution with the kernel turned round.

The batch normalization and the activation after it are computed before the pictures are
interleaved, so that they fuse with the convolution. An input of one pixel needs one product only,
a 1 x 1 convolution.

For one axis: y[o] = sum x[i] w[k] over i s + k = o + p. With o = s q + r and t = i - q, that is
k = r + p - s t: phase r of y is a convolution whose tap t is w[r + p - s t].
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.canonical_slices import slice_inputs
from quantize.passes.fold_batch_normalization import is_inference, scale_and_shift
from quantize.passes.replacement import Replacement

__all__ = ["TRANSPOSED_CONVOLUTION"]

_PICTURE_RANK = 4
_ACTIVATIONS = frozenset({"Clip", "LeakyRelu", "Relu"})

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Axis:
    """One spatial axis: sizes before and after, stride, dilation, kernel and padding before."""

    size: int
    result: int
    stride: int
    dilation: int
    kernel: int
    pad: int

    @property
    def taps(self) -> range:
        """The offsets t that any phase reads, 0 among them."""
        if self.size == 1 and self.stride == self.result:
            return range(1)
        lowest = -((self.extent - 1 - self.pad) // self.stride)
        highest = (self.stride - 1 + self.pad) // self.stride
        return range(min(lowest, 0), max(highest, 0) + 1)

    @property
    def extent(self) -> int:
        """Size of the kernel with its holes."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def positions(self) -> int:
        """How many q there are to compute; no fewer than unpadded ends give."""
        needed = -(-self.result // self.stride)
        return max(needed, self.size - (self.taps.stop - 1))

    @property
    def pads(self) -> tuple[int, int]:
        """Padding of the convolution before and after."""
        after = self.positions - 1 + self.taps.stop - 1 - (self.size - 1)
        return -self.taps.start, after

    def tap_index(self, phase: int, tap: int) -> int | None:
        """Which weight phase and tap use; None for none."""
        along = phase + self.pad - self.stride * tap
        index, hole = divmod(along, self.dilation)
        return index if not hole and 0 <= index < self.kernel else None


def _axes(draft: GraphDraft, node: Node) -> list[_Axis]:
    before, after = draft.shape(node.inputs[0])[2:], draft.shape(node.outputs[0])[2:]
    kernel = draft.shape(node.inputs[1])[2:]
    rank = len(before)
    strides = tuple(node.attributes.get("strides") or (1,) * rank)
    dilations = tuple(node.attributes.get("dilations") or (1,) * rank)
    first = _pads_before(node, before, after, kernel)
    if set(before) == {1} and len(set(after)) == 1:
        strides = after  # the distance to a next pixel that is not there
    return [
        _Axis(before[at], after[at], strides[at], dilations[at], kernel[at], first[at])
        for at in range(rank)
    ]


def _pads_before(
    node: Node, before: tuple[int, ...], after: tuple[int, ...], kernel: tuple[int, ...]
) -> list[int]:
    """Stated; or, where `auto_pad` or `output_shape` decide, what ONNX says that they give."""
    rank = len(before)
    auto = node.attributes.get("auto_pad", "NOTSET")
    if auto == "VALID" or (auto == "NOTSET" and "output_shape" not in node.attributes):
        return [int(each) for each in node.attributes.get("pads", (0,) * rank)[:rank]]
    strides = tuple(node.attributes.get("strides") or (1,) * rank)
    dilations = tuple(node.attributes.get("dilations") or (1,) * rank)
    extra = tuple(node.attributes.get("output_padding") or (0,) * rank)
    pads = []
    for at in range(rank):
        extent = (kernel[at] - 1) * dilations[at] + 1
        total = strides[at] * (before[at] - 1) + extra[at] + extent - after[at]
        pads.append(total // 2 if auto == "SAME_UPPER" else total - total // 2)
    return pads


def _phase_weights(weights: Weights, axes: list[_Axis], phases: tuple[int, int]) -> Weights:
    """[in, out, kh, kw] -> [out, in, th, tw] for one phase of each axis."""
    rows, columns = axes
    found = np.zeros((weights.shape[1], weights.shape[0], len(rows.taps), len(columns.taps)))
    for at_row, row in enumerate(rows.taps):
        for at_column, column in enumerate(columns.taps):
            index = rows.tap_index(phases[0], row), columns.tap_index(phases[1], column)
            if index[0] is not None and index[1] is not None:
                found[:, :, at_row, at_column] = weights[:, :, index[0], index[1]].T
    return found.astype(np.float32)


def _convolution_weights(weights: Weights, axes: list[_Axis], group: int) -> Weights:
    """Outputs ordered (phase row, phase column, channel), as DepthToSpace in mode DCR wants."""
    parts = np.split(weights, group)
    phases = [(r, c) for r in range(axes[0].stride) for c in range(axes[1].stride)]
    return np.concatenate([_phase_weights(part, axes, each) for each in phases for part in parts])


def _ungrouped(weights: Weights, group: int) -> Weights:
    """The same layer with one group: zeros between channels of different groups."""
    inputs, outputs = weights.shape[0], weights.shape[1]
    dense = np.zeros((inputs, outputs * group, *weights.shape[2:]), np.float32)
    for at in range(group):
        rows = slice(at * inputs // group, (at + 1) * inputs // group)
        dense[rows, at * outputs : (at + 1) * outputs] = weights[rows]
    return dense


def _next(draft: GraphDraft, name: str, ops: frozenset[str]) -> Node | None:
    """The only reader of a tensor where it is one of these and its other inputs are constants."""
    if not draft.is_private(name):
        return None
    node = draft.consumers(name)[0]
    is_alone = node.inputs[0] == name and all(
        not each or each in draft.constants for each in node.inputs[1:]
    )
    return node if node.op in ops and is_alone else None


def _with_followers(draft: GraphDraft, node: Node) -> tuple[Node, Node | None]:
    """The layer with the batch normalization after it in its weights, and its activation.

    Returns:
        The layer, which writes what the last of the three wrote, and the activation, if any; it
        is no longer in the graph.
    """
    name = node.outputs[0]
    norm = _next(draft, name, frozenset({"BatchNormalization"}))
    inputs = node.inputs
    if norm is not None and is_inference(draft, norm):
        scale, shift = scale_and_shift(draft, norm)
        group = int(node.attributes.get("group", 1))
        weights = draft.constants[inputs[1]].astype(np.float64)
        by_group = weights.reshape(group, -1, *weights.shape[1:])
        factor = scale.reshape(group, 1, -1, *(1,) * (weights.ndim - 2))
        bias = draft.constants[inputs[2]] if any(inputs[2:]) else np.zeros(len(scale))
        values = (by_group * factor).reshape(weights.shape), bias * scale + shift
        inputs = (
            inputs[0],
            *(
                draft.add_constant(f"{node.name}/folded", each.astype(np.float32))
                for each in values
            ),
        )
        draft.remove([norm])
        name = norm.outputs[0]
    changed = replace(node, inputs=inputs, outputs=(name,))
    draft.replace(node, changed)
    activation = _next(draft, name, _ACTIVATIONS)
    if activation is None:
        return changed, None
    draft.remove([activation])
    last = replace(changed, outputs=activation.outputs)
    draft.replace(changed, last)
    return last, activation


def _write(draft: GraphDraft, original: Node) -> None:
    axes = _axes(draft, original)
    node, activation = _with_followers(draft, original)
    strides = tuple(axis.stride for axis in axes)
    weights = draft.constants[node.inputs[1]]
    group = int(node.attributes.get("group", 1))
    if group > 1 and strides != (1, 1):
        weights, group = _ungrouped(weights, group), 1
    kernel = _convolution_weights(weights, axes, group)
    made = Replacement(draft, node)
    phases = strides[0] * strides[1]
    bias = (
        draft.constants[node.inputs[2]] if any(node.inputs[2:]) else np.zeros(len(kernel) // phases)
    )
    inputs = (
        node.inputs[0],
        made.constant(kernel, hint="weight"),
        made.constant(np.tile(bias, phases), hint="bias"),
    )
    attributes = {
        "group": group,
        "kernel_shape": kernel.shape[2:],
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": tuple(axis.pads[0] for axis in axes) + tuple(axis.pads[1] for axis in axes),
    }
    sizes = tuple(axis.positions for axis in axes)
    shape = (draft.shape(node.inputs[0])[0], len(kernel), *sizes)
    wide = made.add("Conv", *inputs, shape=shape, attributes=attributes)
    if activation is not None:
        rest, extra = activation.inputs[1:], activation.attributes
        wide = made.add(activation.op, wide, *rest, shape=shape, attributes=extra)
    _finish(made, draft.shape(node.outputs[0]), _spread(made, wide, shape, strides))


def _spread(
    made: Replacement, wide: str, shape: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[str, tuple[int, ...]]:
    """Phases to their places: (1, sh * sw * C, H, W) -> (1, C, H * sh, W * sw)."""
    batch, count, height, width = shape
    channels = count // (strides[0] * strides[1])
    target = (batch, channels, height * strides[0], width * strides[1])
    if strides == (1, 1):
        return wide, target
    if strides[0] == strides[1]:
        attributes = {"blocksize": strides[0], "mode": "DCR"}
        return made.add("DepthToSpace", wide, shape=target, attributes=attributes), target
    apart = made.reshape(wide, (batch, *strides, channels, height, width))
    return made.reshape(made.transpose(apart, (0, 3, 4, 1, 5, 2)), target), target


def _finish(made: Replacement, wanted: tuple[int, ...], found: tuple[str, tuple[int, ...]]) -> None:
    name, shape = found
    if shape == wanted:
        made.finish("Identity", name)
        return
    bounds = {axis: (0, wanted[axis], 1) for axis in (2, 3)}
    made.finish("Slice", name, *slice_inputs(made, shape, bounds))


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op != "ConvTranspose" or len(draft.shape(node.inputs[0])) != _PICTURE_RANK:
            continue
        if all(not name or name in draft.constants for name in node.inputs[1:]):
            _write(draft, node)
    return draft.finish()


TRANSPOSED_CONVOLUTION = GraphPass(
    "transposed convolution",
    _rewrite,
    {
        "ConvTranspose": "Conv DepthToSpace Slice",
    },
)
