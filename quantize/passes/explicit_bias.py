"""Every Conv and Gemm gets a bias, of zeros where it had none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["EXPLICIT_BIAS"]


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op not in {"Conv", "Gemm"} or any(node.inputs[2:]):
            continue
        zeros = np.zeros(draft.shape(node.outputs[0])[1], dtype=np.float32)
        bias = draft.add_constant(f"{node.name}/bias", zeros)
        draft.replace(node, replace(node, inputs=(*node.inputs[:2], bias)))
    return draft.finish()


EXPLICIT_BIAS = GraphPass("explicit bias", _rewrite)
