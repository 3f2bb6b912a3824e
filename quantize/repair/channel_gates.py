"""Gates that undo their input's channel scaling, so that x in x * gate(x) may be scaled.

Hard swish is x * clip(x + 3, 0, 6) / 6 and SiLU is x * sigmoid(x): neither lets a factor through,
since the gate needs x as it is. With a depthwise 1 x 1 Conv in front of the gate, of weights
1 / s[c], it gets it: clip(x / s + 3, 0, 6) is that Conv with bias 3 and a fused Clip, in place of
the addition; the sigmoid gets one more layer. Weights of one channel each are exact in 8 bit. That
makes x and x * gate(x) open to the equalization of Nagel et al. 2019 (section 4.1).
"""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.channel_affine import channel_vector, pointwise_depthwise_conv

__all__ = ["gate_floors", "open_gates"]

_PICTURE_RANK = 4
_SIGMOID_REACH = 5.0  # 5 * sigmoid(-5) is 0.03


def open_gates(graph: FloatGraph, *, left: Container[str] = ()) -> FloatGraph:
    """Put a depthwise Conv before each gate that multiplies its own input.

    Args:
        graph: canonical.
        left: names of gates (the Add or the Sigmoid) to leave as they are.

    Returns:
        A graph that computes the same, with the same names of inputs and outputs.
    """
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.name in left:
            continue
        if node.op == "Add":
            _open_hard_gate(draft, node)
        elif node.op == "Sigmoid" and _multiplies_its_input(draft, node):
            _open_sigmoid(draft, node)
    return draft.finish()


def _multiplies_its_input(draft: GraphDraft, gate: Node) -> bool:
    source, output = gate.inputs[0], gate.outputs[0]
    if len(draft.shape(source)) != _PICTURE_RANK:
        return False
    return any(
        reader.op == "Mul" and set(reader.inputs) == {source, output}
        for reader in draft.consumers(output)
    )


def _open_hard_gate(draft: GraphDraft, node: Node) -> None:
    shape = draft.shape(node.outputs[0])
    source = next((name for name in node.inputs if name not in draft.constants), "")
    offset = next((name for name in node.inputs if name in draft.constants), "")
    readers = draft.consumers(node.outputs[0])
    if not (source and offset) or len(shape) != _PICTURE_RANK or draft.shape(source) != shape:
        return
    vector = channel_vector(draft.constants[offset], shape)
    if vector is None or len(readers) != 1 or readers[0].op != "Clip":
        return
    pointwise_depthwise_conv(draft, node, source, scale=np.ones_like(vector), shift=vector)


def _open_sigmoid(draft: GraphDraft, node: Node) -> None:
    source = node.inputs[0]
    shape = draft.shape(source)
    inner = draft.add_tensor(f"{node.name}/input", shape)
    layer = Node("Identity", (source,), (inner,), {}, f"{node.name}/input")
    draft.replace(node, layer, Node(node.op, (inner,), node.outputs, node.attributes, node.name))
    ones = np.ones(shape[1])
    pointwise_depthwise_conv(draft, layer, source, scale=ones, shift=np.zeros_like(ones))


def gate_floors(graph: FloatGraph) -> dict[str, float]:
    """Where x is only read as x * gate(x): the value below which the product is 0, or nearly.

    Returns:
        Floors by the name of x, for graphs whose factors are still 1.
    """
    floors: dict[str, float] = {}
    for product in graph.nodes:
        if product.op != "Mul" or any(name in graph.constants for name in product.inputs):
            continue
        for source, gate in (product.inputs, product.inputs[::-1]):
            found = _gate_offset(graph, gate)
            if (
                found is not None
                and found[0] == source
                and len(graph.consumers(source)) == len(product.inputs)
            ):
                floors[source] = -found[1]
    return floors


def _gate_offset(graph: FloatGraph, gate: str) -> tuple[str, float] | None:
    """The tensor that a gate is computed from, and how far below 0 it still opens the gate."""
    node = graph.producer(gate)
    while node is not None and node.op in {"Mul", "Clip"}:
        held = [name for name in node.inputs if name not in graph.constants]
        node = graph.producer(held[0]) if len(held) == 1 else None
    if node is None:
        return None
    if node.op == "Sigmoid":
        inner = graph.producer(node.inputs[0])
        is_opened = inner is not None and inner.name == f"{node.name}/input"
        return (inner.inputs[0] if inner and is_opened else node.inputs[0]), _SIGMOID_REACH
    offset = _offset_constant(node)
    if offset is None or offset not in graph.constants:
        return None
    return node.inputs[0], float(graph.constants[offset].max())


def _offset_constant(node: Node) -> str | None:
    if node.op == "Add":
        return node.inputs[1]
    is_depthwise = node.op == "Conv" and int(node.attributes.get("group", 1)) > 1
    return node.inputs[2] if is_depthwise else None
