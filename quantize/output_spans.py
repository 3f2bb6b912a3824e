"""How far apart a model's answers lie over real examples."""

from __future__ import annotations

from itertools import islice

from quantize.graph import FloatGraph
from quantize.observers import finite_extremes
from quantize.run_examples import Examples, run_examples

__all__ = ["output_spans"]

_EXAMPLES = 64


def output_spans(graph: FloatGraph, examples: Examples) -> dict[str, float]:
    """Range of every output of the float model over the first examples.

    Returns:
        Largest minus smallest value by output name, > 0: where all values are the same, their size.

    Raises:
        EngineError: onnxruntime failed.
    """
    ends: dict[str, tuple[float, float]] = {}
    for found in islice(run_examples(graph, examples, graph.outputs), _EXAMPLES):
        for name, values in found.items():
            low, high = finite_extremes(values)
            least, most = ends.get(name, (low, high))
            ends[name] = (min(least, low), max(most, high))
    return {name: (high - low) or max(abs(high), 1.0) for name, (low, high) in ends.items()}
