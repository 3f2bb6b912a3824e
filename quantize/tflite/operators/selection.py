"""TopK, OneHot and CumSum.

Constraints upheld: TOPK_V2 runs along the last stored axis and gives the largest, sorted; indices
are int32.
"""

from __future__ import annotations

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation, TensorSpecification
from quantize.tflite.operators.slicing import constant_values
from quantize.tflite.orders import stored_shape
from quantize.tflite.schema import TensorType

__all__ = ["emit_cum_sum", "emit_one_hot", "emit_top_k"]


def _scalar(lowering: Lowering, name: str, value: int) -> int:
    return lowering.builder.add_tensor(
        TensorSpecification(name, (), TensorType.INT32, data=np.array(value, np.int32))
    )


def emit_top_k(lowering: Lowering, node: Node) -> None:
    """Write the largest values and where they are.

    Raises:
        UnsupportedInputError: the smallest are asked for.
    """
    if not int(node.attributes.get("largest", 1)):
        raise UnsupportedInputError("the smallest values cannot be found; negate beforehand")
    name = next(each for each in node.outputs if each)
    order = lowering.order(name)
    count = int(constant_values(lowering.graph, node, 1, [])[0])
    inputs = (lowering.read(node, 0, order), _scalar(lowering, "k", count))
    shape = stored_shape(lowering.graph.shape(name), order)
    outputs = []
    for at, dtype in enumerate((lowering.builder.tensor(inputs[0]).dtype, TensorType.INT32)):
        output = node.outputs[at] if len(node.outputs) > at else ""
        if output:
            outputs.append(lowering.home_tensor(output))
        else:
            outputs.append(lowering.builder.add_tensor(TensorSpecification("unread", shape, dtype)))
    lowering.builder.add_operation(Operation("TOPK_V2", 1, inputs, "TopKV2Options"), *outputs)


def emit_one_hot(lowering: Lowering, node: Node) -> None:
    """Write indices as vectors with one value apart.

    Raises:
        UnsupportedInputError: depth or values that are no constants.
    """
    graph = lowering.graph
    depth = int(constant_values(graph, node, 1, [])[0])
    constant_values(graph, node, 2, [])
    off, on = graph.constants[node.inputs[2]].reshape(-1)
    rank = len(graph.shape(node.outputs[0]))
    inputs = (
        lowering.read_plain(node),
        _scalar(lowering, "depth", depth),
        lowering.add_constant("on", np.asarray(on)),
        lowering.add_constant("off", np.asarray(off)),
    )
    options: dict[str, object] = {"axis": int(node.attributes.get("axis", -1)) % rank}
    lowering.write(Operation("ONE_HOT", 1, inputs, "OneHotOptions", options), node.outputs[0])


def emit_cum_sum(lowering: Lowering, node: Node) -> None:
    """Write running sums along an axis."""
    order = lowering.order(node.outputs[0])
    axis = int(constant_values(lowering.graph, node, 1, [])[0]) % len(order)
    inputs = (lowering.read(node, 0, order), _scalar(lowering, "axis", order.index(axis)))
    options: dict[str, object] = {
        "exclusive": bool(node.attributes.get("exclusive", 0)),
        "reverse": bool(node.attributes.get("reverse", 0)),
    }
    lowering.write(Operation("CUMSUM", 1, inputs, "CumsumOptions", options), node.outputs[0])
