"""What rounding the weights adds to a layer's outputs on average is taken out of its bias.

With w + d the weights as integers stand for them, a layer's outputs move by d * x, and by
mean(d * x) on average over the data; the bias takes that back (Nagel et al. 2019, "Data-Free
Quantization Through Weight Equalization and Bias Correction", section 4.2, measured on examples
as in its appendix D). It matters most where inputs have a large constant part, as smooth grey
pictures do. `correct_biases` sees the rounding of the weights alone, in one pass;
`correct_biases_in_order` sees all that the quantized network does up to each layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.quantized_graph import QuantizedGraph, QuantizedWeight
from quantize.repair.error_compensation import WeightRounding, rounded_layer
from quantize.repair.layer_rows import is_layer
from quantize.repair.layer_walk import LayerData, walk_layers
from quantize.run_examples import Examples, Progress, ignore_progress, run_examples
from quantize.uniform import quantize_bias

__all__ = ["correct_biases", "correct_biases_in_order"]

_PICTURE_RANK = 4


def correct_biases(
    quantized: QuantizedGraph, examples: Examples, *, progress: Progress | None = None
) -> QuantizedGraph:
    """Correct the bias of every layer that has one.

    Args:
        quantized: with weights and biases as the quantizer made them.
        examples: real inputs, at least one.
        progress: told after each example.

    Returns:
        The same with other integer biases.

    Raises:
        EngineError: onnxruntime failed.
    """
    layers = [node for node in quantized.graph.nodes if OPERATORS[node.op].bias_input(node)]
    shifts = _mean_shifts(quantized, layers, examples, progress or ignore_progress)
    weights: dict[str, QuantizedWeight] = dict(quantized.weights)
    for node in layers:
        operator = OPERATORS[node.op]
        name = operator.bias_input(node)
        bias = quantized.graph.constants[name].astype(np.float64) - shifts[node.name]
        weights[name] = quantize_bias(
            bias.astype(np.float32),
            input_scale=quantized.activations[node.inputs[0]].scale,
            weight_scale=weights[operator.weight_input(node)].scale,
        )
    return replace(quantized, weights=weights)


def correct_biases_in_order(
    quantized: QuantizedGraph, examples: Examples, *, progress: Progress | None = None
) -> QuantizedGraph:
    """Correct bias after bias, each for the errors of all layers before it as well.

    Args:
        quantized: as the quantizer made it; integer weights stay.
        examples: real inputs, of which a fixed choice is used.
        progress: told after each layer.

    Returns:
        The same with other integer biases.

    Raises:
        EngineError: onnxruntime failed.
    """

    def keep(name: str) -> WeightRounding:
        def integers(weights: Any, _covariance: Any, _scales: Any) -> NDArray[np.int8]:
            found: NDArray[np.int8] = quantized.weights[name].values.reshape(weights.shape)
            return found

        return integers

    def visit(state: QuantizedGraph, data: LayerData) -> QuantizedGraph:
        return (
            rounded_layer(state, data, keep(data.node.inputs[1])) if is_layer(data.node) else state
        )

    return walk_layers(quantized, examples, visit, progress=progress)


def _mean_shifts(
    quantized: QuantizedGraph, layers: list[Node], examples: Examples, report: Progress
) -> Mapping[str, NDArray[np.float64]]:
    """Mean over examples and positions of each layer's output with its weight errors as weights.

    Returns:
        (channels,) by layer name.
    """
    graph, outputs = _with_error_layers(quantized, layers)
    totals: dict[str, NDArray[np.float64]] = {}
    count = 0
    for found in run_examples(graph, examples, list(outputs.values())):
        count += 1
        for layer, name in outputs.items():
            values = found[name].astype(np.float64).reshape(-1, found[name].shape[1])
            totals[layer] = totals.get(layer, 0.0) + values.mean(axis=0)
        report(count, len(examples))
    return {layer: total / max(count, 1) for layer, total in totals.items()}


def _with_error_layers(
    quantized: QuantizedGraph, layers: list[Node]
) -> tuple[FloatGraph, dict[str, str]]:
    """The float graph with, beside each layer, the same layer with its weight errors."""
    graph = quantized.graph
    nodes = list(graph.nodes)
    shapes, constants = dict(graph.shapes), dict(graph.constants)
    outputs: dict[str, str] = {}
    for node in layers:
        weight = OPERATORS[node.op].weight_input(node)
        error, shift, mean = (f"{node.name}/{kind}" for kind in ("error", "shift", "mean shift"))
        constants[error] = _weight_error(quantized, weight)
        inputs = (node.inputs[0], error)
        nodes.append(Node(node.op, inputs, (shift,), node.attributes, shift))
        shape = shapes[shift] = graph.shapes[node.outputs[0]]
        if len(shape) == _PICTURE_RANK:
            nodes.append(Node("GlobalAveragePool", (shift,), (mean,), {}, mean))
            shapes[mean] = (*shape[:2], 1, 1)
        outputs[node.name] = mean if len(shape) == _PICTURE_RANK else shift
    grown = replace(graph, nodes=tuple(nodes), shapes=shapes, constants=constants)
    return grown, outputs


def _weight_error(quantized: QuantizedGraph, name: str) -> NDArray[np.float32]:
    weight = quantized.weights[name]
    column = weight.scale.astype(np.float64).reshape((-1,) + (1,) * (weight.values.ndim - 1))
    error: NDArray[np.float32] = (
        weight.values * column - quantized.graph.constants[name].astype(np.float64)
    ).astype(np.float32)
    return error
