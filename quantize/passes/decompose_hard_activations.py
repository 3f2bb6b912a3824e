"""HardSigmoid and HardSwish become Add, Clip and Mul.

HardSigmoid(x) = clip(alpha * x + beta, 0, 1) = alpha * clip(x + beta / alpha, 0, 1 / alpha), so
that the clip is fused into the addition and the last product only renames the scale.
HardSwish(x) = x * HardSigmoid(x) with alpha = 1/6 and beta = 1/2 (ONNX opset 14).
"""

from __future__ import annotations

import numpy as np

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["DECOMPOSE_HARD_ACTIVATIONS"]

_ABSORBED = {"HardSigmoid": "Add Clip Mul", "HardSwish": "Add Clip Mul"}


def _hard_sigmoid(draft: GraphDraft, node: Node, output: str) -> list[Node]:
    is_sigmoid = node.op == "HardSigmoid"
    alpha = float(node.attributes.get("alpha", 0.2)) if is_sigmoid else 1.0 / 6.0
    beta = float(node.attributes.get("beta", 0.5)) if is_sigmoid else 0.5
    source = node.inputs[0]
    shape = draft.shape(source)

    def constant(hint: str, value: float) -> str:
        return draft.add_constant(f"{node.name}/{hint}", np.array(value, dtype=np.float32))

    shifted = draft.add_tensor(f"{node.name}/shifted", shape)
    clipped = draft.add_tensor(f"{node.name}/clipped", shape)
    bounds = (constant("low", 0.0), constant("high", 1.0 / alpha))
    offset, factor = constant("offset", beta / alpha), constant("factor", alpha)
    return [
        Node("Add", (source, offset), (shifted,), {}, f"{node.name}/add"),
        Node("Clip", (shifted, *bounds), (clipped,), {}, f"{node.name}/clip"),
        Node("Mul", (clipped, factor), (output,), {}, f"{node.name}/scale"),
    ]


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op not in _ABSORBED or float(node.attributes.get("alpha", 1.0)) <= 0:
            continue
        if node.op == "HardSigmoid":
            draft.replace(node, *_hard_sigmoid(draft, node, node.outputs[0]))
            continue
        gate = draft.add_tensor(f"{node.name}/gate", draft.shape(node.inputs[0]))
        product = Node("Mul", (node.inputs[0], gate), node.outputs, {}, f"{node.name}/product")
        draft.replace(node, *_hard_sigmoid(draft, node, gate), product)
    return draft.finish()


DECOMPOSE_HARD_ACTIVATIONS = GraphPass("decompose hard activations", _rewrite, _ABSORBED)
