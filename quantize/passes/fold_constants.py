"""What passes made of constants only is computed once, by onnxruntime."""

from __future__ import annotations

from dataclasses import replace

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session
from quantize.passes.base import GraphPass

__all__ = ["FOLD_CONSTANTS"]


def _rewrite(graph: FloatGraph) -> FloatGraph:
    known = set(graph.constants)
    constant: list[Node] = []
    for node in graph.nodes:
        if all(name in known for name in node.inputs if name):
            constant.append(node)
            known.update(node.outputs)
    if not constant:
        return graph
    names = [name for node in constant for name in node.outputs if name]
    alone = replace(graph, nodes=tuple(constant), inputs=(), outputs=tuple(names))
    session = open_session(export_onnx(alone).SerializeToString(), threads=1)
    values = dict(zip(names, run_session(session, names, {}), strict=True))
    draft = GraphDraft(graph)
    draft.remove(node for node in constant if set(node.outputs).isdisjoint(graph.outputs))
    for node in constant:
        if set(node.outputs).isdisjoint(graph.outputs):
            draft.constants.update({name: values[name] for name in node.outputs if name})
    return draft.finish()


FOLD_CONSTANTS = GraphPass("fold constants", _rewrite)
