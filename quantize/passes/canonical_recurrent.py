"""LSTM, GRU and RNN in one form (see `quantize.operators.recurrent`).

Batch-first layout becomes Transposes; sequence lengths that are all the full length are left out;
initial states of zeros too; the bias is always there. Y_h is the last (in reverse, the first) step
of Y, so that one output is enough.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass
from quantize.passes.canonical_slices import slice_inputs
from quantize.passes.replacement import Replacement

__all__ = ["CANONICAL_RECURRENT"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_LENGTHS, _FIRST_STATE, _PEEPHOLE = 4, 5, 7
_BATCH_FIRST = (1, 0, 2)
_DROPPED = frozenset({"layout", "output_sequence"})


def _parameters(draft: GraphDraft, node: Node) -> list[str] | None:
    """W, R, B, no lengths and the initial states; None where a weight is computed."""
    inputs = [*node.inputs, *[""] * (_PEEPHOLE + 1 - len(node.inputs))]
    if any(name and name not in draft.constants for name in inputs[1:4]):
        return None
    weights = draft.constants[inputs[1]]
    if not inputs[3]:
        size = 2 * _GATES[node.op] * int(node.attributes["hidden_size"])
        zeros = np.zeros((weights.shape[0], size), np.float32)
        inputs[3] = draft.add_constant(f"{node.name}/bias", zeros)
    axis = 1 if node.attributes.get("layout", 0) else 0
    steps = draft.shape(inputs[0])[axis]
    lengths = draft.constants.get(inputs[_LENGTHS])
    if lengths is not None and (lengths == steps).all():
        inputs[_LENGTHS] = ""
    for at in (_FIRST_STATE, _FIRST_STATE + 1, _PEEPHOLE):
        values = draft.constants.get(inputs[at])
        if values is not None and not values.any():
            inputs[at] = ""
    return inputs


def _is_read(draft: GraphDraft, name: str) -> bool:
    return bool(name) and (name in draft.outputs or bool(draft.consumers(name)))


def _batch_first(draft: GraphDraft, node: Node, inputs: list[str]) -> Node:
    """Layout 1 -> layout 0: Transposes around."""
    before, after = Replacement(draft, node), []
    inputs[0] = before.transpose(inputs[0], _BATCH_FIRST)
    for at in (_FIRST_STATE, _FIRST_STATE + 1):
        if inputs[at]:
            inputs[at] = before.transpose(inputs[at], _BATCH_FIRST)
    outputs = []
    for at, name in enumerate(node.outputs):
        if not _is_read(draft, name):
            outputs.append("")
            continue
        shape = draft.shape(name)
        # Y is [batch, time, directions, hidden]; the states are [batch, directions, hidden]
        forward = (1, 2, 0, 3) if at == 0 else _BATCH_FIRST
        back = (2, 0, 1, 3) if at == 0 else _BATCH_FIRST
        turned = draft.add_tensor(f"{name}/time first", tuple(shape[axis] for axis in forward))
        outputs.append(turned)
        label = f"{node.name}/from time first {at}"
        after.append(Node("Transpose", (turned,), (name,), {"perm": back}, label))
    plain = replace(
        node,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        attributes={key: value for key, value in node.attributes.items() if key != "layout"},
    )
    before.insert(plain, *after)
    return plain


def _canonical(draft: GraphDraft, node: Node) -> None:
    inputs = _parameters(draft, node)
    if inputs is None:
        return
    if node.attributes.get("layout", 0):
        node = _batch_first(draft, node, inputs)
    while inputs and not inputs[-1]:
        inputs.pop()
    outputs = [name if _is_read(draft, name) else "" for name in node.outputs]
    attributes: dict[str, Any] = {
        key: value for key, value in node.attributes.items() if key not in _DROPPED
    }
    changed = replace(node, inputs=tuple(inputs), attributes=attributes)
    outputs += [""] * (2 - len(outputs))
    steps = draft.shape(inputs[0])[0]
    if not outputs[0]:
        directions, hidden = draft.shape(inputs[2])[0], draft.shape(inputs[2])[2]
        batch = draft.shape(inputs[0])[1]
        outputs[0] = draft.add_tensor(f"{node.name}/Y", (steps, directions, batch, hidden))
    last = _last_state(draft, changed, outputs) if outputs[1] else []
    outputs[1] = ""
    while not outputs[-1]:
        outputs.pop()
    draft.replace(node, replace(changed, outputs=tuple(outputs)), *last)


def _last_state(draft: GraphDraft, node: Node, outputs: list[str]) -> list[Node]:
    """Y_h from Y: the last step forward, the first in reverse."""
    direction = str(node.attributes.get("direction", "forward"))
    shape = draft.shape(outputs[0])
    steps, _, batch, hidden = shape
    ends = {"forward": [steps - 1], "reverse": [0], "bidirectional": [steps - 1, 0]}[direction]
    made = Replacement(draft, node)
    nodes: list[Node] = []
    for at, step in enumerate(ends):
        bounds = slice_inputs(made, shape, {0: (step, step + 1, 1), 1: (at, at + 1, 1)})
        cut = draft.add_tensor(f"{node.name}/last {at}", (1, 1, batch, hidden))
        nodes.append(Node("Slice", (outputs[0], *bounds), (cut,), {}, f"{node.name}/last {at}"))
    last = nodes[0].outputs[0]
    if len(nodes) > 1:
        cuts = tuple(each.outputs[0] for each in nodes)
        last = draft.add_tensor(f"{node.name}/both", (1, len(ends), batch, hidden))
        nodes.append(Node("Concat", cuts, (last,), {"axis": 1}, f"{node.name}/both"))
    target = made.constant((len(ends), batch, hidden), np.int64, "shape")
    nodes.append(Node("Reshape", (last, target), (outputs[1],), {}, f"{node.name}/last state"))
    return nodes


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op in _GATES:
            _canonical(draft, node)
    return draft.finish()


CANONICAL_RECURRENT = GraphPass(
    "canonical recurrent", _rewrite, dict.fromkeys(_GATES, "Slice Concat Transpose")
)
