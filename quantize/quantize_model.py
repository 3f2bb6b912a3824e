"""Float graph and examples -> `QuantizedGraph`: the recipe, in order."""

from __future__ import annotations

from collections.abc import Mapping

from quantize.calibration import TensorRange
from quantize.graph import FloatGraph
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import QuantizedGraph
from quantize.repair.ladder import LadderOptions, StageProgress, climb
from quantize.run_examples import Examples

__all__ = ["StageProgress", "quantize_model"]


def quantize_model(
    graph: FloatGraph,
    examples: Examples,
    *,
    known_ranges: Mapping[str, TensorRange] | None = None,
    progress: StageProgress | None = None,
) -> QuantizedGraph:
    """Plan precisions, calibrate, quantize, and climb the cheap rungs of the repair ladder.

    Args:
        graph: from an importer: supported operators only.
        examples: real inputs, walked several times.
        known_ranges: ranges that need no calibration: what a picture's pixels can be.
        progress: told how far each rung is.

    Returns:
        What both writers write; the same for the same graph and examples.

    Raises:
        InputError: no examples, or an activation is NaN or infinite.
        UnsupportedInputError: the graph cannot be quantized.
        EngineError: onnxruntime failed.
    """
    options = LadderOptions(
        precisions=plan_precisions(graph), known_ranges=dict(known_ranges or {})
    )
    return climb(graph, examples, options, progress=progress).quantized
