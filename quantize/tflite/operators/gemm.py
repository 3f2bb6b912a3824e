"""Gemm as FULLY_CONNECTED.

Constraints upheld: weights are [out, in] with scales along axis 0; the input has two axes, so
that `keep_num_dims` (version 5) is not needed; a bias is always there (without: version 6).

A DYNAMIC layer has float32 ends and int8 weights, and the kernel quantizes its input row by row,
with a zero point: XNNPACK does so always, the built-in kernel where it is asked to, and then the
two agree (without, it loses 3 dB on a trained LSTM). With a scale a channel that is version 12:
older runtimes would read the first scale for all, and so refuse the file instead of answering
wrongly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.quantized_graph import Precision
from quantize.tflite.layout import FlattenedImage
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.weights import WEIGHT, add_bias, add_filter, weight_values

__all__ = ["emit_gemm"]

_MATRIX_RANK = 2


def emit_gemm(lowering: Lowering, node: Node) -> None:
    """Write a fully connected layer, with the activation after it.

    Raises:
        UnsupportedInputError: not in the form that the import pass leaves: transB=1, alpha and
            beta 1, transA 0, an input of two axes.
    """
    attributes = node.attributes
    form = tuple(
        attributes.get(key, default)
        for key, default in (("transA", 0), ("transB", 0), ("alpha", 1.0), ("beta", 1.0))
    )
    source = node.inputs[0]
    if form != (0, 1, 1.0, 1.0) or len(lowering.graph.shape(source)) != _MATRIX_RANK:
        raise UnsupportedInputError(
            f"Gemm with transA, transB, alpha, beta = {form} over "
            f"{len(lowering.graph.shape(source))} axes; import it as transB=1, alpha=beta=1"
        )
    values = weight_values(lowering, node)
    if source in lowering.layout.flattened:
        values = _stored_columns(values, lowering.layout.flattened[source])
    name, activation = lowering.result(node)
    inputs = (
        lowering.read_plain(node),
        add_filter(lowering, node, values, 0),
        add_bias(lowering, node, values.shape[0]),
    )
    options: dict[str, object] = {"fusedActivationFunction": int(activation)}
    if lowering.precision(node) is Precision.DYNAMIC:
        options["asymmetricQuantizeInputs"] = True
    operation = Operation(
        "FULLY_CONNECTED", _version(lowering, node), inputs, "FullyConnectedOptions", options
    )
    lowering.write(operation, name)


def _version(lowering: Lowering, node: Node) -> int:
    precision = lowering.precision(node)
    if precision is Precision.INT8:
        return 4
    if precision is Precision.FLOAT:
        return 1
    return 12 if len(lowering.weight(node.inputs[WEIGHT]).scale) > 1 else 9


def _stored_columns(weights: NDArray[Any], image: FlattenedImage) -> NDArray[Any]:
    """Reorder weights (out, C*H*W) to the order that the image is stored in."""
    rows = weights.shape[0]
    axes = (0, *image.order[1:])
    return np.ascontiguousarray(weights.reshape(rows, *image.shape[1:]).transpose(axes)).reshape(
        rows, -1
    )
