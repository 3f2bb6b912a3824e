"""A shortcut taken into the 1 x 1 Conv that it is added to.

conv(x) + b is one Conv over x and b side by side, whose weights for b are the identity. One
rounding is saved, that of the Conv's output before the sum, and x, b and the sum no longer share
their channels' factors, which frees them for equalization. It costs the products with the identity.
"""

from __future__ import annotations

from math import prod

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft

__all__ = ["fold_cheap_shortcuts", "fold_shortcuts", "foldable_shortcuts", "multiplications"]

_PICTURE_RANK = 4
_LARGEST_SHARE = 0.02
_LARGEST_GROWTH = 2.0


def multiplications(graph: FloatGraph) -> dict[str, int]:
    """Multiplications of each Conv and Gemm, by node name."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        if node.op in {"Conv", "Gemm"}:
            weights = graph.shape(node.inputs[1])
            output = graph.shapes[node.outputs[0]]
            positions = prod(output[2:]) if node.op == "Conv" else prod(output[:-1])
            found[node.name] = prod(weights) * positions
    return found


def foldable_shortcuts(graph: FloatGraph) -> dict[str, int]:
    """The additions that can be folded, by name, with the multiplications that this adds."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        if node.op == "Add" and _projection(graph, node) is not None:
            shape = graph.shapes[node.outputs[0]]
            found[node.name] = shape[1] ** 2 * prod(shape[2:])
    return found


def fold_cheap_shortcuts(graph: FloatGraph) -> FloatGraph:
    """Fold where the shortcut is written by no dense layer and costs little.

    A shortcut between sums of dense layers is a linear stream already, which `stream_rotation`
    serves as it is; folding frees one that begins behind an activation.

    Returns:
        A graph that computes the same, with at most 2 % more multiplications for each fold.
    """
    total = max(1, sum(multiplications(graph).values()))
    costs = foldable_shortcuts(graph)
    chosen = set()
    for node in graph.nodes:
        if node.name not in costs or costs[node.name] > _LARGEST_SHARE * total:
            continue
        layer = _projection(graph, node)
        if layer is None:
            continue
        other = next(name for name in node.inputs if name != layer.outputs[0])
        source = graph.producer(other)
        width = graph.shape(layer.inputs[1])
        is_narrow = width[0] + width[1] <= _LARGEST_GROWTH * width[1]
        if source is not None and source.op not in {"Conv", "Add"} and is_narrow:
            chosen.add(node.name)
    return fold_shortcuts(graph, frozenset(chosen)) if chosen else graph


def fold_shortcuts(graph: FloatGraph, names: frozenset[str]) -> FloatGraph:
    """Fold the additions of these names.

    Returns:
        A graph that computes the same.
    """
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.name not in names:
            continue
        layer = _projection(graph, node)
        if layer is not None:
            _fold(draft, node, layer)
    return draft.finish()


def _projection(graph: FloatGraph, node: Node) -> Node | None:
    """The private dense 1 x 1 Conv that writes one operand of an addition."""
    shape = graph.shapes[node.outputs[0]]
    if len(shape) != _PICTURE_RANK or any(name in graph.constants for name in node.inputs):
        return None
    if any(graph.shape(name) != shape for name in node.inputs):
        return None
    for name in reversed(node.inputs):
        layer = graph.producer(name)
        if layer is None or layer.op != "Conv" or name in graph.outputs:
            continue
        if len(graph.consumers(name)) == 1 and _is_pointwise(graph, layer):
            return layer
    return None


def _is_pointwise(graph: FloatGraph, layer: Node) -> bool:
    kernel = graph.shape(layer.inputs[1])[2:]
    is_dense = int(layer.attributes.get("group", 1)) == 1
    steps = [int(each) for each in layer.attributes.get("strides", (1, 1))]
    pads = [int(each) for each in layer.attributes.get("pads", (0,))]
    is_biased = len(layer.inputs) == len(("data", "weight", "bias")) and bool(layer.inputs[2])
    return kernel == (1, 1) and is_dense and set(steps) == {1} and set(pads) == {0} and is_biased


def _fold(draft: GraphDraft, node: Node, layer: Node) -> None:
    other = next(name for name in node.inputs if name != layer.outputs[0])
    weights = draft.constants[layer.inputs[1]]
    identity = np.eye(len(weights), dtype=np.float32).reshape(len(weights), -1, 1, 1)
    name = draft.add_constant(f"{node.name}/weight", np.concatenate([weights, identity], axis=1))
    shape = draft.shape(layer.inputs[0])
    both = draft.add_tensor(
        f"{node.name}/operands", (shape[0], shape[1] + len(weights), *shape[2:])
    )
    draft.remove([layer])
    draft.replace(
        node,
        Node("Concat", (layer.inputs[0], other), (both,), {"axis": 1}, f"{node.name}/operands"),
        Node("Conv", (both, name, layer.inputs[2]), node.outputs, layer.attributes, node.name),
    )
