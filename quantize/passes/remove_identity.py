"""Identity, and Dropout at inference, are left out."""

from __future__ import annotations

from quantize.graph import FloatGraph
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["REMOVE_IDENTITY"]

_ABSORBED = frozenset({"Identity", "Dropout"})


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op not in _ABSORBED:
            continue
        current = draft.producer(node.outputs[0])
        mask_is_read = any(draft.consumers(name) for name in node.outputs[1:] if name)
        if current is not None and not mask_is_read:
            draft.bypass(current)
    return draft.finish()


REMOVE_IDENTITY = GraphPass("remove identity", _rewrite, _ABSORBED)
