"""The exponent of the range search that serves the output best.

What exponent of the error to minimise for each activation is a property of the whole network:
some lose from any clipping, some from coarse steps. So the exponent is chosen by what it does to
the network's output, as Nahshan et al. 2021 ("Loss Aware Post-training Quantization", Machine
Learning 110, section 4.1) choose it by the loss: a few exponents, each tried on the whole int8
network. Nothing is walked again: the histograms of one calibration serve all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from quantize.calibration import Calibration, TensorRange
from quantize.clip_search import search_range
from quantize.evaluation.signal_to_noise import SignalToNoise
from quantize.graph import FloatGraph
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import Precision
from quantize.quantizer import quantize_graph
from quantize.run_examples import Examples, Progress, Tensors, ignore_progress
from quantize.same_scale import same_scale_groups

__all__ = ["POWERS", "PowerChoice", "ranges_by_power", "search_power"]

POWERS = (2.4, 2.0, 2.2, 2.7, 3.0, math.inf)
"""Of equals the first; infinity is the range of all that was seen."""


@dataclass(frozen=True, slots=True)
class PowerChoice:
    """The exponent chosen, and what each of them gave.

    Attributes:
        power: of the error that the ranges minimise.
        ranges: for each activation.
        snr_db: by exponent, centred, of the outputs of the int8 network on the examples tried.
    """

    power: float
    ranges: Mapping[str, TensorRange]
    snr_db: Mapping[float, float]


def ranges_by_power(
    graph: FloatGraph,
    calibration: Calibration,
    power: float,
    *,
    precisions: Mapping[str, Precision] | None = None,
) -> dict[str, TensorRange]:
    """Choose all ranges anew from what one calibration saw.

    Args:
        graph: that was calibrated.
        calibration: of it.
        power: of the error that is minimised; infinity for all that was seen.
        precisions: by node name, as calibrated.

    Returns:
        Ranges by activation; graph inputs and outputs keep theirs.
    """
    ends = set(graph.inputs) | set(graph.outputs)
    ranges = dict(calibration)
    for members in set(same_scale_groups(graph, precisions).values()):
        if not ends.isdisjoint(members):
            continue
        histogram = calibration.tensors[members[0]].histogram
        low, high = float(histogram.edges[0]), float(histogram.edges[-1])
        if math.isfinite(power):
            low, high = search_range(histogram, power=power)
        ranges.update(dict.fromkeys(members, TensorRange(low, high)))
    return ranges


def search_power(
    graph: FloatGraph,
    calibration: Calibration,
    examples: Examples,
    *,
    precisions: Mapping[str, Precision] | None = None,
    most: int = 32,
    progress: Progress | None = None,
) -> PowerChoice:
    """Try a few exponents on the whole int8 network.

    Args:
        graph: the float graph.
        calibration: of it.
        examples: the calibration examples; evenly spaced ones of them are tried.
        precisions: by node name, as calibrated.
        most: try no more than this many.
        progress: told after each exponent.

    Returns:
        The exponent with the greatest signal-to-noise ratio at the outputs.

    Raises:
        UnsupportedInputError: the graph cannot be quantized.
        EngineError: onnxruntime failed.
    """
    report = progress or ignore_progress
    step = max(1, len(examples) // most)
    tried = list(islice(examples, 0, step * most, step))
    outputs = [name for name in graph.outputs if graph.is_float(name)]
    reference = _answers(export_onnx(graph).SerializeToString(), outputs, tried)
    ranges: dict[float, dict[str, TensorRange]] = {}
    snr_db: dict[float, float] = {}
    for done, power in enumerate(POWERS, start=1):
        ranges[power] = ranges_by_power(graph, calibration, power, precisions=precisions)
        model = write_onnx_int8(quantize_graph(graph, ranges[power], precisions))
        snr_db[power] = _snr_db(reference, _answers(model, outputs, tried))
        report(done, len(POWERS))
    best = max(POWERS, key=snr_db.__getitem__)
    return PowerChoice(best, ranges[best], snr_db)


def _answers(
    model: bytes, outputs: Sequence[str], examples: Sequence[Tensors]
) -> list[list[NDArray[Any]]]:
    session = open_session(model)
    return [run_session(session, outputs, example) for example in examples]


def _snr_db(reference: list[list[NDArray[Any]]], found: list[list[NDArray[Any]]]) -> float:
    """Mean over the outputs."""
    ratios = []
    for at in range(len(reference[0])):
        noise = SignalToNoise()
        for wanted, other in zip(reference, found, strict=True):
            noise.update(wanted[at], other[at])
        ratios.append(noise.db())
    return sum(ratios) / max(1, len(ratios))
