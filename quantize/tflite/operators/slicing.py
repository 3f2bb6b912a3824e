"""Slice, Gather, GatherND and Split.

Slice is SLICE where every step is 1, STRIDED_SLICE otherwise; both keep the parameters of their
input, as GATHER does. Constraints upheld: begins and sizes are given for every stored axis;
constant indices of GATHER are not negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import FloatGraph, Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation, TensorSpecification
from quantize.tflite.orders import plain_order
from quantize.tflite.schema import TensorType

__all__ = [
    "constant_values",
    "emit_gather",
    "emit_gather_nd",
    "emit_slice",
    "gather",
    "slice_tensor",
]

_STARTS, _ENDS, _AXES, _STEPS = 1, 2, 3, 4
_INDICES = 1
_FIVE_AXES = 5


def constant_values(
    graph: FloatGraph, node: Node, position: int, default: Sequence[float]
) -> Sequence[float]:
    """The values of a constant input; a default where it is absent.

    Raises:
        UnsupportedInputError: it is computed.
    """
    name = node.inputs[position] if len(node.inputs) > position else ""
    if not name:
        return default
    if name not in graph.constants:
        raise UnsupportedInputError(f"its input {name} is not a constant; fold it beforehand")
    values: list[float] = graph.constants[name].reshape(-1).tolist()
    return values


def slice_tensor(
    lowering: Lowering, source: int, begin: Sequence[int], size: Sequence[int]
) -> Operation:
    """The operation that cuts a block out of a stored tensor."""
    inputs = (
        source,
        lowering.builder.add_int32("begin", begin),
        lowering.builder.add_int32("size", size),
    )
    version = 2 if lowering.builder.tensor(source).dtype is TensorType.INT8 else 1
    version = 5 if len(begin) >= _FIVE_AXES else version
    return Operation("SLICE", version, inputs, "SliceOptions")


def gather(lowering: Lowering, source: int, indices: NDArray[np.int32], axis: int) -> Operation:
    """The operation that picks cells along a stored axis by constant indices."""
    inputs = (source, lowering.builder.add_int32("indices", indices))
    options: dict[str, object] = {"axis": axis, "batchDims": 0}
    return Operation("GATHER", _gather_version(lowering, source), inputs, "GatherOptions", options)


def _gather_version(lowering: Lowering, source: int) -> int:
    dtype = lowering.builder.tensor(source).dtype
    return {TensorType.INT8: 2, TensorType.BOOL: 3}.get(dtype, 1)


def emit_slice(lowering: Lowering, node: Node) -> None:
    """Write a cut with any steps.

    Raises:
        UnsupportedInputError: bounds that are no constants.
    """
    order = lowering.order(node.outputs[0])
    shape = lowering.graph.shape(node.inputs[0])
    cuts = [_cuts(lowering.graph, node, shape)[axis] for axis in order]
    source = lowering.read(node, 0, order)
    begin = [start for start, _, _ in cuts]
    if all(step == 1 for _, _, step in cuts):
        operation = slice_tensor(lowering, source, begin, [count for _, count, _ in cuts])
    else:
        operation = _strided(lowering, source, cuts)
    lowering.write(operation, node.outputs[0], lowering.kept_params(node))


def _cuts(graph: FloatGraph, node: Node, shape: Sequence[int]) -> list[tuple[int, int, int]]:
    """(start, count, step) of every ONNX axis."""
    starts = [int(value) for value in constant_values(graph, node, _STARTS, [])]
    ends = [int(value) for value in constant_values(graph, node, _ENDS, [])]
    axes = [int(value) for value in constant_values(graph, node, _AXES, range(len(starts)))]
    steps = [int(value) for value in constant_values(graph, node, _STEPS, [1] * len(starts))]
    cuts = [(0, length, 1) for length in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        chosen = range(shape[axis])[slice(start, _open(end, shape[axis], step), step)]
        cuts[axis] = (chosen.start, len(chosen), step)
    return cuts


def _open(end: int, length: int, step: int) -> int | None:
    """ONNX's end as Python's: below every index it means "to the first cell" for negative steps."""
    return None if step < 0 and end < -length else end


def _strided(lowering: Lowering, source: int, cuts: Sequence[tuple[int, int, int]]) -> Operation:
    ends = [start + count * step for start, count, step in cuts]
    mask = sum(1 << axis for axis, end in enumerate(ends) if end < 0)
    inputs = (
        source,
        lowering.builder.add_int32("begin", [start for start, _, _ in cuts]),
        lowering.builder.add_int32("end", [max(end, 0) for end in ends]),
        lowering.builder.add_int32("strides", [step for _, _, step in cuts]),
    )
    dtype = lowering.builder.tensor(source).dtype
    version = {TensorType.INT8: 2, TensorType.BOOL: 3}.get(dtype, 1)
    version = 4 if len(cuts) >= _FIVE_AXES else version
    options: dict[str, object] = {"endMask": mask}
    return Operation("STRIDED_SLICE", version, inputs, "StridedSliceOptions", options)


def emit_gather(lowering: Lowering, node: Node) -> None:
    """Write a choice of cells along one axis: an embedding, or a constant reordering."""
    graph = lowering.graph
    indices = node.inputs[_INDICES]
    rank = len(graph.shape(node.inputs[0]))
    axis = int(node.attributes.get("axis", 0)) % rank
    is_carried = len(graph.shape(indices)) <= 1 and node.inputs[0] in lowering.layout.orders
    order = lowering.order(node.inputs[0]) if is_carried else plain_order(rank)
    source = lowering.read(node, 0, order)
    length = np.array(graph.shape(node.inputs[0])[axis], np.int32)
    options: dict[str, object] = {"axis": order.index(axis), "batchDims": 0}
    operation = Operation(
        "GATHER",
        _gather_version(lowering, source),
        (source, _counted_from_start(lowering, node, length)),
        "GatherOptions",
        options,
    )
    lowering.write(operation, node.outputs[0], lowering.kept_params(node))


def _counted_from_start(lowering: Lowering, node: Node, lengths: NDArray[np.int32]) -> int:
    """The indices input, where negative ones count from the end; those beyond stay a fault."""
    name = node.inputs[_INDICES]
    if name in lowering.graph.constants:
        values = lowering.graph.constants[name]
        counted = np.where(values < 0, values + lengths, values)
        return lowering.builder.add_int32(name, counted.astype(np.int32))
    source = lowering.read_plain(node, _INDICES)
    shape = lowering.builder.tensor(source).shape
    zero = lowering.builder.add_int32("zero", np.zeros_like(lengths))
    shift = lowering.builder.add_int32("lengths", lengths)
    is_negative = lowering.builder.add_tensor(
        TensorSpecification(f"{name}:is_negative", shape, TensorType.BOOL)
    )
    lowering.builder.add_operation(Operation("LESS", 1, (source, zero), "LessOptions"), is_negative)
    shifted = lowering.derived(
        Operation("ADD", 1, (source, shift), "AddOptions"), f"{name}:shifted", shape, source
    )
    choice = Operation("SELECT_V2", 1, (is_negative, shifted, source), "SelectV2Options")
    return lowering.derived(choice, f"{name}:counted", shape, source)


def emit_gather_nd(lowering: Lowering, node: Node) -> None:
    """Write a choice of cells by several indices each.

    Raises:
        UnsupportedInputError: batch dimensions.
    """
    if int(node.attributes.get("batch_dims", 0)):
        raise UnsupportedInputError(
            f"GatherND with batch_dims {node.attributes['batch_dims']} cannot be written; use 0"
        )
    depth = lowering.graph.shape(node.inputs[_INDICES])[-1]
    lengths = np.array(lowering.graph.shape(node.inputs[0])[:depth], np.int32)
    inputs = (lowering.read_plain(node), _counted_from_start(lowering, node, lengths))
    dtype = lowering.builder.tensor(inputs[0]).dtype
    version = 5 if dtype is TensorType.BOOL else 1
    lowering.write(
        Operation("GATHER_ND", version, inputs, "GatherNdOptions"),
        node.outputs[0],
        lowering.kept_params(node),
    )
