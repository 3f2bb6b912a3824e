"""Sub and Div by a constant become Add and Mul."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["CANONICAL_ARITHMETIC"]

_ABSORBED = frozenset({"Sub", "Div"})


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op not in _ABSORBED or node.inputs[1] not in graph.constants:
            continue
        operand = graph.constants[node.inputs[1]]
        if node.op == "Div" and not operand.all():
            continue
        values = -operand if node.op == "Sub" else 1.0 / operand.astype(np.float64)
        name = draft.add_constant(f"{node.name}/operand", values.astype(operand.dtype))
        op = "Add" if node.op == "Sub" else "Mul"
        draft.replace(node, replace(node, op=op, inputs=(node.inputs[0], name)))
    return draft.finish()


CANONICAL_ARITHMETIC = GraphPass("canonical arithmetic", _rewrite, _ABSORBED)
