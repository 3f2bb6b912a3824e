"""Weights that meet a sequence model's own inputs, and stay in float where that is little work.

Measurements as they come have tails: a standardised laboratory value may lie at 40 where most lie
within 3, and 8 bits that reach so far are coarse for all others. Where the engine quantizes
activations anew at each run, that first product is nearly all of the noise. On 1000 stays of
PhysioNet 2012 (41 measures an hour), int8 everywhere against float there: an LSTM in LiteRT 48.4
and 56.4 dB, a GRU 46.1 and 55.7 dB, a transformer encoder in onnxruntime 37.6 and 45.9 dB. Layers
further in read what a normalisation or a gate has bounded.
"""

from __future__ import annotations

from math import prod

from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS

__all__ = ["integer_weights", "meets_input"]

_MOVES = frozenset({"Concat", "Pad", "Reshape", "Slice", "Tile", "Transpose"})
_SCALINGS = frozenset({"Add", "Div", "Mul", "Sub"})
_MOST_UNITS = 128
"""From so many units on integers make a recurrent layer twice as fast, and all of it is int8."""

_WEIGHTS, _RECURRENCE = 1, 2


def meets_input(graph: FloatGraph, name: str) -> bool:
    """Whether a tensor is a float input of the graph, only moved, or scaled by constants."""
    pending, seen = [name], set[str]()
    while pending:
        current = pending.pop()
        if current in seen or current in graph.constants:
            continue
        seen.add(current)
        if current in graph.inputs:
            if not graph.is_float(current):
                return False
            continue
        node = graph.producer(current)
        if node is None or not (node.op in _MOVES or _is_scaling(graph, node)):
            return False
        pending += filter(None, node.inputs)
    return not seen.isdisjoint(graph.inputs)


def _is_scaling(graph: FloatGraph, node: Node) -> bool:
    return node.op in _SCALINGS and any(name in graph.constants for name in node.inputs)


def integer_weights(graph: FloatGraph, node: Node) -> tuple[int, ...]:
    """Positions of the inputs that are int8 where a node is DYNAMIC.

    Those of its operator, but for the input's weights of a recurrent layer of less than 128 units
    that meet the model's own inputs and are no more than the state's.
    """
    positions = OPERATORS[node.op].dynamic_weights
    if _RECURRENCE not in positions:
        return positions
    own, recurrence = (graph.shape(node.inputs[at]) for at in (_WEIGHTS, _RECURRENCE))
    is_little = recurrence[-1] < _MOST_UNITS and prod(own) <= prod(recurrence)
    if is_little and meets_input(graph, node.inputs[0]):
        return tuple(at for at in positions if at != _WEIGHTS)
    return positions
