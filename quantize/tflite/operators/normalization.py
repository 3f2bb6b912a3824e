"""LayerNormalization, LpNormalization and LRN.

LayerNormalization is written out as MEAN, SUB, SQUARE, MEAN, RSQRT and MUL, all of which XNNPACK
takes. Constraints upheld: L2_NORMALIZATION and LOCAL_RESPONSE_NORMALIZATION run along the last
stored axis; the latter's alpha is not divided by its size.
"""

from __future__ import annotations

import numpy as np

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.elementwise import binary
from quantize.tflite.orders import NHWC, store_operand

__all__ = ["emit_layer_normalization", "emit_lp_normalization", "emit_lrn"]

_EUCLIDEAN = 2


def emit_layer_normalization(lowering: Lowering, node: Node) -> None:
    """Write a normalisation over the last axes, then scale and bias."""
    graph, name = lowering.graph, node.outputs[0]
    order = lowering.order(name)
    rank = len(order)
    axes = range(int(node.attributes.get("axis", -1)) % rank, rank)
    source = lowering.read(node, 0, order)
    shape = lowering.builder.tensor(source).shape
    stored = sorted(order.index(axis) for axis in axes)
    narrow = tuple(1 if at in stored else length for at, length in enumerate(shape))

    def step(operation: Operation, kind: str, size: tuple[int, ...]) -> int:
        return lowering.derived(operation, f"{name}:{kind}", size, source)

    def mean(index: int) -> Operation:
        inputs = (index, lowering.builder.add_int32("axes", stored))
        return Operation("MEAN", 1, inputs, "ReducerOptions", {"keepDims": True})

    centred = step(
        binary(lowering, "SUB", (source, step(mean(source), "mean", narrow))), "centred", shape
    )
    squares = step(Operation("SQUARE", 1, (centred,), "SquareOptions"), "squares", shape)
    variance = step(mean(squares), "variance", narrow)
    epsilon = np.array(node.attributes.get("epsilon", 1e-5), np.float32)
    shifted = binary(lowering, "ADD", (variance, lowering.add_constant("epsilon", epsilon)))
    inverse = Operation("RSQRT", 1, (step(shifted, "shifted", narrow),))
    factor = step(inverse, "inverse", narrow)
    last = binary(lowering, "MUL", (centred, factor))
    for at, code in ((1, "MUL"), (2, "ADD")):
        if len(node.inputs) > at and node.inputs[at]:
            normal = step(last, f"stage{at}", shape)
            values = store_operand(graph.constants[node.inputs[at]], order)
            operand = lowering.add_constant(node.inputs[at], values)
            last = binary(lowering, code, (normal, operand))
    lowering.write(last, name)


def emit_lp_normalization(lowering: Lowering, node: Node) -> None:
    """Write a division by the Euclidean length along one axis.

    Raises:
        UnsupportedInputError: another norm.
    """
    if int(node.attributes.get("p", _EUCLIDEAN)) != _EUCLIDEAN:
        raise UnsupportedInputError(f"norm {node.attributes['p']} cannot be written; 2 can")
    source = lowering.read(node, 0, lowering.order(node.outputs[0]))
    lowering.write(Operation("L2_NORMALIZATION", 1, (source,), "L2NormOptions"), node.outputs[0])


def emit_lrn(lowering: Lowering, node: Node) -> None:
    """Write a normalisation by neighbouring channels.

    Raises:
        UnsupportedInputError: an even number of neighbours.
    """
    size = int(node.attributes["size"])
    if size % 2 == 0:
        raise UnsupportedInputError(f"LRN over {size} channels cannot be written; odd numbers can")
    options: dict[str, object] = {
        "radius": size // 2,
        "bias": float(node.attributes.get("bias", 1.0)),
        "alpha": float(node.attributes.get("alpha", 1e-4)) / size,
        "beta": float(node.attributes.get("beta", 0.75)),
    }
    inputs = (lowering.read(node, 0, NHWC),)
    table = "LocalResponseNormalizationOptions"
    lowering.write(
        Operation("LOCAL_RESPONSE_NORMALIZATION", 1, inputs, table, options), node.outputs[0]
    )
