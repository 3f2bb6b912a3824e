"""Each Conv and Gemm gets weights and a bias of its own.

Integer weights depend on the scale of the layer's input, so two layers cannot share them.
"""

from __future__ import annotations

from dataclasses import replace

from quantize.graph import FloatGraph
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["UNSHARE_PARAMETERS"]


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    taken: set[str] = set()
    for node in graph.nodes:
        shared = [name for name in node.inputs if name in taken]
        if node.op in {"Conv", "Gemm"} and shared:
            own = {name: draft.add_constant(name, draft.constants[name]) for name in shared}
            inputs = tuple(own.get(name, name) for name in node.inputs)
            draft.replace(node, replace(node, inputs=inputs))
        taken.update(name for name in node.inputs if name in draft.constants)
    return draft.finish()


UNSHARE_PARAMETERS = GraphPass("unshare parameters", _rewrite)
