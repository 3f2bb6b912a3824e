"""Flatten, Squeeze, Unsqueeze and Reshape become Reshape to the static output shape.

So does an Identity that joins an input or an output of the graph to another output.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantize.graph import FloatGraph
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["CANONICAL_RESHAPE"]

_ABSORBED = {"Flatten": "Reshape", "Squeeze": "Reshape", "Unsqueeze": "Reshape"}
_WRITTEN = frozenset({*_ABSORBED, "Identity", "Reshape"})


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for original in graph.nodes:
        if original.op not in _WRITTEN:
            continue
        node = draft.producer(original.outputs[0])
        if node is None:
            continue
        source, target = node.inputs[0], node.outputs[0]
        if draft.shape(source) == draft.shape(target) and draft.bypass(node):
            continue
        shape = draft.add_constant(
            f"{node.name}/shape", np.array(draft.shape(target), dtype=np.int64)
        )
        draft.replace(node, replace(node, op="Reshape", inputs=(source, shape), attributes={}))
    return draft.finish()


CANONICAL_RESHAPE = GraphPass("canonical reshape", _rewrite, _ABSORBED)
