"""How much of a model's work a layer is."""

from __future__ import annotations

from math import prod

from quantize.graph import FloatGraph, Node

__all__ = ["RECURRENT", "multiply_adds"]

RECURRENT = frozenset({"LSTM", "GRU", "RNN"})


def multiply_adds(graph: FloatGraph, node: Node) -> int:
    """Multiplications of a node with its weights, or of two activations; 0 for all else."""
    outputs = prod(graph.shapes[node.outputs[0]]) if node.outputs[0] in graph.shapes else 0
    if node.op in {"Conv", "Gemm"}:
        return outputs * prod(graph.shape(node.inputs[1])[1:])
    if node.op == "ConvTranspose":
        return prod(graph.shape(node.inputs[0])) * prod(graph.shape(node.inputs[1])[1:])
    if node.op == "MatMul":
        return outputs * graph.shape(node.inputs[0])[-1]
    if node.op in RECURRENT:
        steps = graph.shape(node.inputs[0])[0]
        return steps * sum(prod(graph.shape(name)) for name in node.inputs[1:3])
    return 0
