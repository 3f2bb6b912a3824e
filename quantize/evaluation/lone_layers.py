"""Each quantized layer alone, in a graph whose other layers are all float.

Beside every float layer stands its quantized twin, which reads what the float graph has there. One
run then gives, for each layer, what it computes in float and what its own quantization makes of
the same inputs, by the engine's own kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision, QuantizedGraph

__all__ = ["QuantizedLayer", "lone_layers", "quantized_layers"]

_SUFFIX = "/alone"


@dataclass(frozen=True, slots=True)
class QuantizedLayer:
    """A layer that is not float.

    Attributes:
        node: the layer.
        activation: the Relu or Clip fused into it; None for none.
        output: the tensor that both write together.
    """

    node: Node
    activation: Node | None
    output: str

    @property
    def lone_output(self) -> str:
        """The same tensor of the twin."""
        return self.output + _SUFFIX


def quantized_layers(quantized: QuantizedGraph) -> tuple[QuantizedLayer, ...]:
    """The layers that compute with integers, in order.

    Layers that only move integers (pooling, reshaping, concatenation) lose nothing themselves and
    are left out, and so are the activations inside a fusion.
    """
    graph = quantized.graph
    fused = fused_activations(graph, quantized.precisions)
    inside = {id(node) for node in fused.values()}
    found = []
    for node in graph.nodes:
        if quantized.precision(node) is Precision.FLOAT or id(node) in inside:
            continue
        if node.op == "DequantizeLinear" or OPERATORS[node.op].is_same_scale:
            continue
        if not graph.is_float(node.outputs[0]):
            continue
        activation = fused.get(node.outputs[0])
        output = node.outputs[0] if activation is None else activation.outputs[0]
        found.append(QuantizedLayer(node, activation, output))
    return tuple(found)


def lone_layers(quantized: QuantizedGraph, layers: tuple[QuantizedLayer, ...]) -> QuantizedGraph:
    """The float graph with a quantized twin beside each layer.

    Args:
        quantized: the whole.
        layers: of `quantized_layers`.

    Returns:
        A graph that gives out, for each layer, its float output and its twin's; what neither
        needs is left out.
    """
    graph = quantized.graph
    twins = {id(each.node): each for each in layers}
    nodes: list[Node] = []
    shapes = dict(graph.shapes)
    activations = dict(quantized.activations)
    precisions = {node.name: Precision.FLOAT for node in graph.nodes}
    for node in graph.nodes:
        layer = twins.get(id(node))
        if layer is not None:
            # The twin comes first: writing it takes the float weights out, its original puts
            # them back.
            for member in filter(None, (layer.node, layer.activation)):
                twin = _twin(member, layer)
                nodes.append(twin)
                precisions[twin.name] = quantized.precision(member)
                shapes.update(
                    (name + _SUFFIX, graph.shapes[name]) for name in member.outputs if name
                )
            if layer.output in activations:
                activations[layer.lone_output] = activations[layer.output]
        nodes.append(node)
    outputs = [name for each in layers for name in (each.output, each.lone_output)]
    doubled = FloatGraph(
        nodes=_needed(nodes, outputs),
        inputs=graph.inputs,
        outputs=tuple(dict.fromkeys(outputs)),
        constants=graph.constants,
        shapes=shapes,
        dtypes=graph.dtypes,
    )
    return replace(quantized, graph=doubled, activations=activations, precisions=precisions)


def _needed(nodes: list[Node], outputs: list[str]) -> tuple[Node, ...]:
    wanted = set(outputs)
    kept: list[Node] = []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.outputs):
            kept.append(node)
            wanted.update(filter(None, node.inputs))
    return tuple(reversed(kept))


def _twin(node: Node, layer: QuantizedLayer) -> Node:
    inputs = node.inputs
    if node is layer.activation:
        before = layer.node.outputs[0]
        inputs = tuple(name + _SUFFIX if name == before else name for name in inputs)
    return replace(
        node,
        inputs=inputs,
        outputs=tuple(name + _SUFFIX if name else "" for name in node.outputs),
        name=node.name + _SUFFIX,
    )
