"""LRN becomes a mean over neighbouring channels and a power.

y = x / (bias + alpha / size * sum of squares over `size` channels) ** beta (Krizhevsky et al.
2012). The sum is an AveragePool along the channels of the squares, padded with zeros.
"""

from __future__ import annotations

from math import prod

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.replacement import Replacement

__all__ = ["DECOMPOSE_LOCAL_RESPONSE"]


def _write(draft: GraphDraft, node: Node) -> None:
    source = node.inputs[0]
    shape = draft.shape(source)
    size = int(node.attributes["size"])
    before, after = (size - 1) // 2, size // 2
    made = Replacement(draft, node)
    plane = (shape[0], 1, shape[1], prod(shape[2:]))
    squares = made.reshape(made.add("Mul", source, source), plane)
    pads = made.constant((0, 0, before, 0, 0, 0, after, 0), np.int64, "pads")
    grown = (*plane[:2], plane[2] + size - 1, plane[3])
    padded = made.add("Pad", squares, pads, shape=grown, attributes={"mode": "constant"})
    window = {"kernel_shape": (size, 1), "strides": (1, 1), "pads": (0, 0, 0, 0)}
    mean = made.add("AveragePool", padded, shape=plane, attributes=window)
    mean = made.reshape(mean, shape)
    scaled = made.add("Mul", mean, made.constant(float(node.attributes.get("alpha", 1e-4))))
    base = made.add("Add", scaled, made.constant(float(node.attributes.get("bias", 1.0))))
    power = made.constant(float(node.attributes.get("beta", 0.75)))
    made.finish("Div", source, made.add("Pow", base, power))


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op == "LRN":
            _write(draft, node)
    return draft.finish()


DECOMPOSE_LOCAL_RESPONSE = GraphPass(
    "decompose local response",
    _rewrite,
    {
        "LRN": "Mul Reshape Pad AveragePool Add Pow Div",
    },
)
