"""GlobalAveragePool and the Reduce operators, ArgMax and ArgMin.

Constraints upheld: axes are an int32 constant and name stored axes. MEAN and not AVERAGE_POOL_2D,
because XNNPACK takes MEAN in int8 and because MEAN may change parameters. ARG_MAX and ARG_MIN drop
their axis.
"""

from __future__ import annotations

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.layout import reduced_axes
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation, TensorSpecification
from quantize.tflite.orders import Order
from quantize.tflite.schema import TensorType

__all__ = ["emit_arg", "emit_global_pool", "emit_reduce"]

_CODES = {
    "ReduceMax": "REDUCE_MAX",
    "ReduceMean": "MEAN",
    "ReduceMin": "REDUCE_MIN",
    "ReduceProd": "REDUCE_PROD",
    "ReduceSum": "SUM",
}
_GLOBAL_CODES = {"GlobalAveragePool": "MEAN", "GlobalMaxPool": "REDUCE_MAX"}
_KEEPS_PARAMETERS = frozenset({"REDUCE_MAX", "REDUCE_MIN"})


def emit_global_pool(lowering: Lowering, node: Node) -> None:
    """Write the mean or the maximum over all positions."""
    axes = tuple(range(2, len(lowering.graph.shape(node.inputs[0]))))
    _write(lowering, node, _GLOBAL_CODES[node.op], axes, is_kept=True)


def emit_reduce(lowering: Lowering, node: Node) -> None:
    """Write a reduction over any axes."""
    if node.attributes.get("noop_with_empty_axes", 0) and len(node.inputs) < 2:  # noqa: PLR2004
        raise UnsupportedInputError("a reduction over no axes cannot be written; remove it")
    axes, is_kept = reduced_axes(lowering.graph, node)
    _write(lowering, node, _CODES[node.op], axes, is_kept=is_kept)


def _write(
    lowering: Lowering, node: Node, code: str, axes: tuple[int, ...], *, is_kept: bool
) -> None:
    order: Order = lowering.order(node.inputs[0])
    source = lowering.read(node)
    stored = sorted(order.index(axis) for axis in axes)
    inputs = (source, lowering.builder.add_int32("axes", stored))
    version = 2 if lowering.builder.tensor(source).dtype is TensorType.INT8 else 1
    operation = Operation(code, version, inputs, "ReducerOptions", {"keepDims": is_kept})
    kept = lowering.kept_params(node) if code in _KEEPS_PARAMETERS else None
    lowering.write(operation, node.outputs[0], kept)


def emit_arg(lowering: Lowering, node: Node) -> None:
    """Write where the largest or smallest value is; the first of equal ones.

    Raises:
        UnsupportedInputError: the last of equal ones is asked for.
    """
    if node.attributes.get("select_last_index", 0):
        raise UnsupportedInputError("the last of equal values cannot be found; ask for the first")
    [axis], is_kept = reduced_axes(lowering.graph, node)
    stored = lowering.order(node.inputs[0]).index(axis)
    source = lowering.read(node)
    which = lowering.builder.add_tensor(
        TensorSpecification("axis", (), TensorType.INT32, data=np.array(stored, np.int32))
    )
    code = "ARG_MAX" if node.op == "ArgMax" else "ARG_MIN"
    table = "ArgMaxOptions" if node.op == "ArgMax" else "ArgMinOptions"
    version = 2 if lowering.builder.tensor(source).dtype is TensorType.INT8 else 1
    options: dict[str, object] = {"outputType": int(TensorType.INT32)}
    operation = Operation(code, version, (source, which), table, options)
    if not is_kept:
        lowering.write(operation, node.outputs[0])
        return
    target = lowering.builder.tensor(lowering.home_tensor(node.outputs[0]))
    shape = tuple(length for at, length in enumerate(target.shape) if at != stored)
    index = lowering.builder.add_tensor(
        TensorSpecification(f"{node.outputs[0]}:dropped", shape, TensorType.INT32)
    )
    lowering.builder.add_operation(operation, index)
    lowering.write(lowering.reshape(index, target.shape), node.outputs[0])
