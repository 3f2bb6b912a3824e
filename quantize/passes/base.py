"""What a pass is, and the check that holds before and after each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from edge.errors import InputError
from quantize.graph import FloatGraph, Node
from quantize.graph_draft import GraphDraft

__all__ = ["GraphPass", "Writer", "check_graph", "rewriting", "run_pass"]

Writer = Callable[[GraphDraft, Node], None]
"""Puts other nodes into a draft where a node stands, or leaves it."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GraphPass:
    """One change to a float graph that keeps what it computes.

    Attributes:
        name: said in messages.
        rewrite: takes a valid graph, returns a valid graph.
        absorbs: operators that this pass turns into others (canonical ones too, in some of their
            forms), and the names of those, with spaces between; "" where nothing is left.
    """

    name: str
    rewrite: Callable[[FloatGraph], FloatGraph]
    absorbs: Mapping[str, str] = field(default_factory=dict)


def rewriting(writers: Mapping[str, Writer]) -> Callable[[FloatGraph], FloatGraph]:
    """Make a pass's rewrite of one writer an operator.

    Args:
        writers: by operator; nodes of others stay.
    """

    def rewrite(graph: FloatGraph) -> FloatGraph:
        draft = GraphDraft(graph)
        for node in graph.nodes:
            writer = writers.get(node.op)
            if writer is not None:
                writer(draft, node)
        return draft.finish()

    return rewrite


def run_pass(graph_pass: GraphPass, graph: FloatGraph) -> FloatGraph:
    """Run one pass between two checks.

    Raises:
        InputError: the graph was invalid before, or the pass made it so.
    """
    check_graph(graph, when=f"before pass '{graph_pass.name}'")
    with np.errstate(all="ignore"):  # weights that overflow are refused by name afterwards
        changed = graph_pass.rewrite(graph)
    check_graph(changed, when=f"after pass '{graph_pass.name}'")
    _logger.debug("%s: %d -> %d nodes", graph_pass.name, len(graph.nodes), len(changed.nodes))
    return changed


def check_graph(graph: FloatGraph, *, when: str) -> None:
    """Check single assignment, topological order, known shapes and produced outputs.

    Raises:
        InputError: names the first tensor or node at fault.
    """
    known = set(graph.inputs) | set(graph.constants)
    names: set[str] = set()
    for node in graph.nodes:
        if node.name in names:
            raise InputError(f"invalid graph {when}: two nodes are named '{node.name}'")
        names.add(node.name)
        for name in filter(None, node.inputs):
            if name not in known:
                raise InputError(f"invalid graph {when}: '{node.name}' reads unknown '{name}'")
        for name in filter(None, node.outputs):
            if name in known:
                raise InputError(f"invalid graph {when}: '{name}' is written twice")
            if name not in graph.shapes:
                raise InputError(f"invalid graph {when}: '{name}' has no shape")
            known.add(name)
    for name in graph.outputs:
        if name not in known:
            raise InputError(f"invalid graph {when}: output '{name}' is written by no node")
