"""Gemm as FULLY_CONNECTED.

Constraints upheld: weights are [out, in] with scales along axis 0; the input has two axes, so
that `keep_num_dims` (version 5) is not needed; a bias is always there (without: version 6).
"""

from __future__ import annotations

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.tflite.layout import gemm_columns_to_hwc
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.weights import add_bias, add_filter

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
    source, weight_name = node.inputs[:2]
    if form != (0, 1, 1.0, 1.0) or len(lowering.graph.shape(source)) != _MATRIX_RANK:
        raise UnsupportedInputError(
            f"Gemm with transA, transB, alpha, beta = {form} over "
            f"{len(lowering.graph.shape(source))} axes; import it as transB=1, alpha=beta=1"
        )
    weight = lowering.weight(weight_name)
    values = weight.values
    if source in lowering.hwc_flattened:
        values = gemm_columns_to_hwc(values, lowering.hwc_flattened[source])
    bias_name = node.inputs[2] if len(node.inputs) > _MATRIX_RANK else ""
    name, activation = lowering.result(node)
    inputs = (
        lowering.activation(source),
        add_filter(lowering, weight_name, values, weight, 0),
        add_bias(lowering, bias_name, weight, lowering.params(source), values.shape[0]),
    )
    options = {"fusedActivationFunction": int(activation)}
    lowering.write(Operation("FULLY_CONNECTED", 4, inputs, "FullyConnectedOptions", options), name)
