"""The layer that reads the model's input stays in float, where that is little work.

What 256 levels take from the input no later layer gives back, and a measured signal has more of
them: an electrocardiogram between its noise and its peaks keeps some 37 dB, whatever is done
behind. The first layer is commonly left in higher precision (Krishnamoorthi 2018, "Quantizing deep
convolutional networks for efficient inference: A whitepaper", section 3; Choi et al. 2018, "PACT",
section 5); here only where it is a small share of the multiplications, so that speed is kept: with
one input channel the integer kernels gain nothing anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.repair.layer_rows import is_layer
from quantize.repair.shortcut_folding import multiplications

__all__ = ["leave_input_in_float"]

_MOST_SHARE = 0.02


def leave_input_in_float(
    quantized: QuantizedGraph, *, most_share: float = _MOST_SHARE
) -> QuantizedGraph:
    """Compute the layers that read the inputs in float, and what only moves values before them.

    Args:
        quantized: the graph.
        most_share: of all multiplications, what may end up in float, 0 to 1.

    Returns:
        The graph with other precisions; the same where those layers are more than their share, are
        not computed in integers or only can be, or where an input is pixels.
    """
    graph = quantized.graph
    chosen = [node for name in graph.inputs for node in _first_layers(graph, name)]
    fused = fused_activations(graph)
    chosen += [fused[node.outputs[0]] for node in chosen if node.outputs[0] in fused]
    work = multiplications(graph)
    share = sum(work.get(node.name, 0) for node in chosen) / max(1, sum(work.values()))
    is_possible = all(
        Precision.FLOAT in OPERATORS[node.op].precisions
        and quantized.precision(node) is Precision.INT8
        for node in chosen
    )
    # Pixels have 256 levels to begin with.
    is_measured = all(graph.is_float(name) for name in graph.inputs)
    if not chosen or share > most_share or not is_possible or not is_measured:
        return quantized
    floats = {node.name: Precision.FLOAT for node in chosen}
    precisions = {**quantized.precisions, **floats}
    found = replace(quantized, precisions=precisions)
    # Without parameters of its own the input is float in the files as well: 8 bits at their ends
    # would take what is kept here.
    unread = {name for node in chosen for name in node.inputs if _is_float(found, name)}
    kept = {name: each for name, each in quantized.activations.items() if name not in unread}
    return replace(found, activations=kept)


def _is_float(quantized: QuantizedGraph, name: str) -> bool:
    """Whether no integer node writes or reads a tensor."""
    writer = quantized.graph.producer(name)
    around = [*quantized.graph.consumers(name), *([] if writer is None else [writer])]
    return all(quantized.precision(node) is not Precision.INT8 for node in around)


def _first_layers(graph: FloatGraph, name: str) -> Iterator[Node]:
    """From an input to the first Conv or Gemm on each way, that one included."""
    for node in graph.consumers(name):
        yield node
        if not is_layer(node):
            for output in node.outputs:
                yield from _first_layers(graph, output)
