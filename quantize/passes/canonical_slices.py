"""Parts of a tensor: one form of Slice, with starts, ends, axes and steps for every axis.

Split becomes one Slice an output. Gather of evenly spaced constant positions becomes a Slice, and
of one position a Slice and a Reshape. Negative pads are a Slice, and pads that repeat the edge
are a Concat of Slices. Compress with a constant condition is a Gather. ReverseSequence with a
constant length is a Slice backwards, and the rest after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from quantize.graph import Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass, Writer, rewriting
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_SLICES", "slice_inputs"]

Bounds = Mapping[int, tuple[int, int, int]]
Shape = tuple[int, ...]


def slice_inputs(made: Replacement, shape: Shape, bounds: Bounds) -> tuple[str, str, str, str]:
    """Constants of a Slice.

    Args:
        made: where to store them.
        shape: of what is cut.
        bounds: start, end and step by axis; axes not named are kept whole.
    """
    rows = [bounds.get(axis, (0, size, 1)) for axis, size in enumerate(shape)]
    starts, ends, steps = (made.constant(column, np.int64, "slice") for column in zip(*rows))  # noqa: B905
    return starts, ends, made.constant(range(len(shape)), np.int64, "axes"), steps


def _cut(made: Replacement, source: str, shape: Shape, bounds: Bounds) -> str:
    sizes = [
        len(range(*bounds[axis])) if axis in bounds else size for axis, size in enumerate(shape)
    ]
    return made.add("Slice", source, *slice_inputs(made, shape, bounds), shape=tuple(sizes))


def _write_slice(draft: GraphDraft, node: Node) -> None:
    if any(name and name not in draft.constants for name in node.inputs[1:]):
        return
    shape = draft.shape(node.inputs[0])
    values = [
        draft.constants[name].reshape(-1).tolist() if name else None for name in node.inputs[1:]
    ]
    starts, ends = values[0] or [], values[1] or []
    axes = values[2] if len(values) > 2 and values[2] is not None else range(len(starts))  # noqa: PLR2004
    steps = values[3] if len(values) > 3 and values[3] is not None else [1] * len(starts)  # noqa: PLR2004
    bounds: dict[int, tuple[int, int, int]] = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = shape[axis % len(shape)]
        first, stop, _ = slice(start, end, step).indices(size)
        bounds[axis % len(shape)] = (first, stop if stop >= 0 else -size - 1, step)
    made = Replacement(draft, node)
    made.finish("Slice", node.inputs[0], *slice_inputs(made, shape, bounds))


def _write_split(draft: GraphDraft, node: Node) -> None:
    source = node.inputs[0]
    shape = draft.shape(source)
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    begin = 0
    slices: list[Node] = []
    for at, name in enumerate(node.outputs):
        if not name:
            continue
        end = begin + draft.shape(name)[axis]
        made = Replacement(draft, node)
        inputs = slice_inputs(made, shape, {axis: (begin, end, 1)})
        slices.append(Node("Slice", (source, *inputs), (name,), {}, f"{node.name}/{at}"))
        begin = end
    draft.replace(node, *slices)


def _even_step(positions: Sequence[int]) -> int:
    """The distance of ascending, evenly spaced positions; 0 for others."""
    steps = set(np.diff(positions).tolist()) or {1}
    step = int(steps.pop())
    return step if not steps and step > 0 else 0


def _write_gather(draft: GraphDraft, node: Node) -> None:
    source, positions_name = node.inputs
    if source in draft.constants or positions_name not in draft.constants:
        return
    shape = draft.shape(source)
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    positions = draft.constants[positions_name]
    found = [int(each) % shape[axis] for each in positions.reshape(-1)]
    step = _even_step(found)
    if not step:
        return
    made = Replacement(draft, node)
    bounds = {axis: (found[0], found[-1] + 1, step)}
    if positions.ndim == 1:
        made.finish("Slice", source, *slice_inputs(made, shape, bounds))
    else:
        made.finish_reshape(_cut(made, source, shape, bounds))


def _write_pad(draft: GraphDraft, node: Node) -> None:
    if node.inputs[1] not in draft.constants:
        return
    pads = draft.constants[node.inputs[1]].reshape(2, -1)
    mode = node.attributes.get("mode", "constant")
    if pads.min(initial=0) < 0:
        _write_crop(draft, node, pads)
    elif mode in {"edge", "wrap"}:
        _write_repeated_edge(draft, node, pads)


def _write_crop(draft: GraphDraft, node: Node, pads: np.ndarray) -> None:
    """Negative pads cut first, the rest pads after; an edge that is cut is not repeated."""
    shape = draft.shape(node.inputs[0])
    made = Replacement(draft, node)
    bounds = {
        axis: (max(-int(first), 0), shape[axis] - max(-int(last), 0), 1)
        for axis, (first, last) in enumerate(pads.T)
    }
    kept = np.maximum(pads, 0).reshape(-1)
    if not kept.any():
        made.finish("Slice", node.inputs[0], *slice_inputs(made, shape, bounds))
        return
    if node.attributes.get("mode", "constant") != "constant":
        return
    cut = _cut(made, node.inputs[0], shape, bounds)
    rest = made.constant(kept, np.int64, "pads")
    made.finish("Pad", cut, rest, *node.inputs[2:3], attributes=node.attributes)


def _write_repeated_edge(draft: GraphDraft, node: Node, pads: np.ndarray) -> None:
    """Repeat the first and last slice of each padded axis, one axis after another."""
    made = Replacement(draft, node)
    current, shape = node.inputs[0], draft.shape(node.inputs[0])
    is_wrapped = node.attributes.get("mode") == "wrap"
    for axis, (first, last) in enumerate(pads.T.tolist()):
        if not first and not last:
            continue
        size = shape[axis]
        if is_wrapped:
            starts = [(size - first, size)] if first else []
            ends = [(0, last)] if last else []
        else:
            starts, ends = [(0, 1)] * first, [(size - 1, size)] * last
        parts = [_cut(made, current, shape, {axis: (*each, 1)}) for each in starts]
        parts += [current]
        parts += [_cut(made, current, shape, {axis: (*each, 1)}) for each in ends]
        shape = (*shape[:axis], size + first + last, *shape[axis + 1 :])
        current = made.add("Concat", *parts, shape=shape, attributes={"axis": axis})
    made.finish("Identity", current)


def _write_compress(draft: GraphDraft, node: Node) -> None:
    if node.inputs[1] not in draft.constants or "axis" not in node.attributes:
        return
    kept = np.flatnonzero(draft.constants[node.inputs[1]]).astype(np.int64)
    name = draft.add_constant(f"{node.name}/positions", kept)
    gather = replace(node, op="Gather", inputs=(node.inputs[0], name))
    draft.replace(node, gather)
    _write_gather(draft, gather)


def _write_reverse(draft: GraphDraft, node: Node) -> None:
    """Of the first `length` steps of the only example in the batch."""
    lengths = draft.constants.get(node.inputs[1])
    if lengths is None or lengths.size != 1:
        return
    shape = draft.shape(node.inputs[0])
    axis, count = int(node.attributes.get("time_axis", 0)), int(lengths.reshape(-1)[0])
    made = Replacement(draft, node)
    backwards = {axis: (count - 1, -shape[axis] - 1, -1)}
    if count == shape[axis]:
        made.finish("Slice", node.inputs[0], *slice_inputs(made, shape, backwards))
        return
    first = _cut(made, node.inputs[0], shape, {axis: (0, count, 1)})
    small = (*shape[:axis], count, *shape[axis + 1 :])
    turned = made.add(
        "Slice",
        first,
        *slice_inputs(made, small, {axis: (count - 1, -count - 1, -1)}),
        shape=small,
    )
    rest = _cut(made, node.inputs[0], shape, {axis: (count, shape[axis], 1)})
    made.finish("Concat", turned, rest, attributes={"axis": axis})


_WRITERS: Mapping[str, Writer] = {
    "Compress": _write_compress,
    "Gather": _write_gather,
    "Pad": _write_pad,
    "ReverseSequence": _write_reverse,
    "Slice": _write_slice,
    "Split": _write_split,
}


CANONICAL_SLICES = GraphPass(
    "canonical slices",
    rewriting(_WRITERS),
    {
        "Compress": "Slice Gather",
        "Gather": "Slice",
        "Pad": "Slice Concat",
        "ReverseSequence": "Slice Concat",
        "Split": "Slice",
    },
)
