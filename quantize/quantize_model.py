"""Float graph and examples -> `QuantizedGraph`: the recipe, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantize.bias_correction import correct_biases
from quantize.calibration import TensorRange, calibrate
from quantize.equalization import equalise_channels
from quantize.graph import FloatGraph
from quantize.quantized_graph import QuantizedGraph
from quantize.quantizer import quantize_graph
from quantize.run_examples import Examples, Progress, require_examples

__all__ = ["StageProgress", "quantize_model"]

StageProgress = Callable[[str, int, int], None]
"""Called with the stage's name, and how many of how many of its steps are done."""


def quantize_model(
    graph: FloatGraph,
    examples: Examples,
    *,
    known_ranges: Mapping[str, TensorRange] | None = None,
    progress: StageProgress | None = None,
) -> QuantizedGraph:
    """Equalise, calibrate, quantize and correct.

    Args:
        graph: from an importer: supported operators only.
        examples: real inputs, walked four times.
        known_ranges: ranges that need no calibration: what a picture's pixels can be.
        progress: told after each example of each stage.

    Returns:
        What both writers write; the same for the same graph and examples.

    Raises:
        InputError: no examples, or an activation is NaN or infinite.
        UnsupportedInputError: the graph cannot be quantized.
        EngineError: onnxruntime failed.
    """
    require_examples(examples)
    equal = equalise_channels(graph, examples, progress=_stage("equalise", progress))
    ranges = calibrate(equal, examples, progress=_stage("calibrate", progress))
    quantized = quantize_graph(equal, {**ranges, **(known_ranges or {})})
    return correct_biases(quantized, examples, progress=_stage("correct", progress))


def _stage(name: str, progress: StageProgress | None) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total: progress(name, done, total)
