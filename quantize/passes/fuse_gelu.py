"""What computes the Gaussian error linear unit becomes one Gelu (Hendrycks and Gimpel 2016).

Exporters write 0.5 x (1 + erf(x / sqrt(2))) and its tanh form in many orders. So what surrounds an
Erf or Tanh is not compared with patterns but tried: where the nodes from x to some product are
functions of x and single numbers only, and give Gelu at sample points, they are Gelu.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft
from quantize.passes.base import GraphPass

__all__ = ["FUSE_GELU"]

_SAMPLES = np.linspace(-4.0, 4.0, 65)
_NEAR = 2e-5
_MOST_STEPS = 4
_MOST_TENSORS = 12

Numbers = NDArray[np.float64]

_erf = np.vectorize(math.erf, otypes=[np.float64])

_FUNCTIONS: Mapping[str, Callable[..., Numbers]] = {
    "Add": np.add,
    "Div": np.divide,
    "Erf": _erf,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Pow": np.power,
    "Sub": np.subtract,
    "Tanh": np.tanh,
}

_WANTED: Mapping[str, tuple[str, Numbers]] = {
    "Erf": ("none", 0.5 * _SAMPLES * (1 + _erf(_SAMPLES / math.sqrt(2)))),
    "Tanh": (
        "tanh",
        0.5
        * _SAMPLES
        * (1 + np.tanh(math.sqrt(2 / math.pi) * (_SAMPLES + 0.044715 * _SAMPLES**3))),
    ),
}


def _evaluate(draft: GraphDraft, name: str, source: str, depth: int = 0) -> Numbers | None:
    """A tensor as a function of `source` at the samples; None where it is more than that."""
    if name == source:
        return _SAMPLES
    if name in draft.constants:
        values = draft.constants[name]
        return values.astype(np.float64).reshape(()) if values.size == 1 else None
    writer = draft.producer(name)
    if writer is None or writer.op not in _FUNCTIONS or depth > _MOST_TENSORS:
        return None
    operands = [_evaluate(draft, each, source, depth + 1) for each in writer.inputs]
    if any(each is None for each in operands):
        return None
    with np.errstate(all="ignore"):
        return _FUNCTIONS[writer.op](*operands)


def _sources(draft: GraphDraft, node: Node) -> Iterator[str]:
    """Tensors before a node, nearest first, as long as they are made by such functions."""
    pending, seen = list(node.inputs), set[str]()
    while pending and len(seen) < _MOST_TENSORS:
        name = pending.pop(0)
        if not name or name in seen or name in draft.constants:
            continue
        seen.add(name)
        yield name
        writer = draft.producer(name)
        if writer is not None and writer.op in _FUNCTIONS:
            pending += writer.inputs


def _ends(draft: GraphDraft, node: Node) -> Iterator[Node]:
    """Sums and products after a node, one after the other."""
    current = node
    for _ in range(_MOST_STEPS):
        readers = draft.consumers(current.outputs[0])
        if current.outputs[0] in draft.outputs or len(readers) != 1:
            return
        current = readers[0]
        if current.op not in {"Add", "Mul"}:
            return
        yield current


def _fuse(draft: GraphDraft, node: Node) -> bool:
    approximate, wanted = _WANTED[node.op]
    shape = draft.shape(node.outputs[0])
    ends = list(_ends(draft, node))
    for source in _sources(draft, node):
        if draft.shape(source) != shape:
            continue
        for end in ends:
            found = _evaluate(draft, end.outputs[0], source)
            if found is None or found.shape != wanted.shape:
                continue
            if np.abs(found - wanted).max() <= _NEAR:
                attributes = {"approximate": approximate}
                gelu = Node("Gelu", (source,), end.outputs, attributes, end.name)
                draft.replace(end, gelu)
                return True
    return False


def _rewrite(graph: FloatGraph) -> FloatGraph:
    draft = GraphDraft(graph)
    for node in graph.nodes:
        if node.op in _WANTED:
            _fuse(draft, node)
        elif node.op in {"com.microsoft.Gelu", "com.microsoft.FastGelu"}:
            kind = "none" if node.op.endswith(".Gelu") else "tanh"
            _write_contrib(draft, node, kind)
        elif node.op == "com.microsoft.BiasGelu":
            _write_contrib(draft, node, "none")
    return draft.finish()


def _write_contrib(draft: GraphDraft, node: Node, approximate: str) -> None:
    """The operators of onnxruntime, with a bias or without."""
    source, nodes = node.inputs[0], []
    if node.inputs[1:] and node.inputs[1]:
        source = draft.add_tensor(f"{node.name}/sum", draft.shape(node.outputs[0]))
        nodes.append(Node("Add", node.inputs[:2], (source,), {}, f"{node.name}/add"))
    attributes = {"approximate": approximate}
    draft.replace(node, *nodes, Node("Gelu", (source,), node.outputs, attributes, node.name))


FUSE_GELU = GraphPass(
    "fuse gelu",
    _rewrite,
    {
        "com.microsoft.BiasGelu": "Add Gelu",
        "com.microsoft.FastGelu": "Add Gelu",
        "com.microsoft.Gelu": "Gelu",
    },
)
