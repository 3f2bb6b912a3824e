"""The mean error of a model's answers is taken out of its last biases.

What all layers together shift the answers by on average over examples, the last layer's bias can
give back (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
Correction", section 4.2, measured at the output of the quantized network itself).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.repair.output_error import OutputError
from quantize.run_examples import Examples
from quantize.uniform import quantize_bias

__all__ = ["correct_output_bias"]

_FOLLOWED = frozenset({"Reshape", "Sigmoid", "Softmax"})
_MOST_EXAMPLES = 256


def correct_output_bias(quantized: QuantizedGraph, examples: Examples) -> QuantizedGraph:
    """Correct the biases of the INT8 layers that the outputs come from.

    Args:
        quantized: the graph.
        examples: real inputs; the first 256 are used.

    Returns:
        The same with other integer biases in those layers; unchanged where there are none.

    Raises:
        EngineError: onnxruntime failed.
    """
    layers = [
        layer
        for name in quantized.graph.outputs
        if (layer := _last_layer(quantized.graph, name)) is not None
        and quantized.precision(layer) is Precision.INT8
    ]
    if not layers:
        return quantized
    names = tuple(dict.fromkeys(layer.outputs[0] for layer in layers))
    cut = replace(quantized.graph, outputs=names)
    error = OutputError(cut, islice(examples, _MOST_EXAMPLES))
    means = error.mean_errors(replace(quantized, graph=cut))
    weights = dict(quantized.weights)
    for layer in layers:
        operator = OPERATORS[layer.op]
        name = operator.bias_input(layer)
        old = weights[name]
        shift = _by_channel(means[layer.outputs[0]])
        real = old.values.astype(np.float64) * old.scale.astype(np.float64) - shift
        weights[name] = quantize_bias(
            real.astype(np.float32),
            input_scale=quantized.activations[layer.inputs[0]].scale,
            weight_scale=weights[operator.weight_input(layer)].scale,
        )
    return replace(quantized, weights=weights)


def _by_channel(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(channels,) of an error of shape (1, channels, ...)."""
    found: NDArray[np.float64] = mean.reshape(mean.shape[1], -1).mean(axis=1)
    return found


def _last_layer(graph: FloatGraph, name: str) -> Node | None:
    """The layer with a bias that an output comes from, through reshapes and final activations."""
    node = graph.producer(name)
    while node is not None and node.op in _FOLLOWED:
        node = graph.producer(node.inputs[0])
    if node is None or node.op not in {"Conv", "Gemm"} or not OPERATORS[node.op].bias_input(node):
        return None
    return node
