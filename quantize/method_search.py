"""The range method that serves the output best.

Which method is best is a property of the whole network and of its examples: some networks lose
from any clipping, some from coarse steps, and one wild example can make either matter. So the
method is chosen by what it does to the network's output, as Nahshan et al. 2021 ("Loss Aware
Post-training Quantization", Machine Learning 110, section 4.1) choose the exponent of the error
by the loss: a few candidates, each tried on the whole int8 network. Nothing is walked again: the
histograms of one calibration serve all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from quantize.calibration import Calibration, TensorRange
from quantize.clip_search import search_range
from quantize.evaluation.signal_to_noise import SignalToNoise
from quantize.graph import FloatGraph
from quantize.observers import Histogram
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import Precision
from quantize.quantizer import quantize_graph
from quantize.range_methods.entropy import least_divergence_range
from quantize.range_methods.minimum_maximum import full_range
from quantize.range_methods.percentile import percentile_range
from quantize.run_examples import Examples, Progress, Tensors, ignore_progress
from quantize.same_scale import same_scale_groups

__all__ = ["CANDIDATES", "MethodSearch", "ranges_by", "search_method"]

_PERCENTILE = 99.99

CANDIDATES: Mapping[str, Callable[[Histogram], tuple[float, float]]] = {
    "auto": lambda seen: search_range(seen, power=2.4),
    "power 1.5": lambda seen: search_range(seen, power=1.5),
    "mse": search_range,
    "power 2.2": lambda seen: search_range(seen, power=2.2),
    "power 3": lambda seen: search_range(seen, power=3.0),
    "minmax": full_range,
    "percentile": lambda seen: percentile_range(seen, percentile=_PERCENTILE),
    "entropy": least_divergence_range,
}
"""Of equals the first."""


@dataclass(frozen=True, slots=True)
class MethodSearch:
    """The candidate chosen, and what each of them gave.

    Attributes:
        choice: its name in `CANDIDATES`.
        ranges: for each activation.
        snr_db: by candidate, centred, of the outputs of the int8 network on the examples tried.
    """

    choice: str
    ranges: Mapping[str, TensorRange]
    snr_db: Mapping[str, float]


def ranges_by(
    graph: FloatGraph,
    calibration: Calibration,
    candidate: str,
    *,
    precisions: Mapping[str, Precision] | None = None,
) -> dict[str, TensorRange]:
    """Choose all ranges anew from what one calibration saw.

    Args:
        graph: that was calibrated.
        calibration: of it.
        candidate: a name of `CANDIDATES`.
        precisions: by node name, as calibrated.

    Returns:
        Ranges by activation; graph inputs and outputs keep theirs.
    """
    ends = set(graph.inputs) | set(graph.outputs)
    ranges = dict(calibration)
    for members in set(same_scale_groups(graph, precisions).values()):
        if ends.isdisjoint(members):
            low, high = CANDIDATES[candidate](calibration.tensors[members[0]].histogram)
            ranges.update(dict.fromkeys(members, TensorRange(low, high)))
    return ranges


def search_method(
    graph: FloatGraph,
    calibration: Calibration,
    examples: Examples,
    *,
    precisions: Mapping[str, Precision] | None = None,
    most: int = 32,
    progress: Progress | None = None,
) -> MethodSearch:
    """Try all candidates on the whole int8 network.

    Args:
        graph: the float graph.
        calibration: of it.
        examples: the calibration examples; evenly spaced ones of them are tried.
        precisions: by node name, as calibrated.
        most: try no more than this many.
        progress: told after each candidate.

    Returns:
        The candidate with the greatest signal-to-noise ratio at the outputs.

    Raises:
        UnsupportedInputError: the graph cannot be quantized.
        EngineError: onnxruntime failed.
    """
    report = progress or ignore_progress
    step = max(1, len(examples) // most)
    tried = list(islice(examples, 0, step * most, step))
    outputs = [name for name in graph.outputs if graph.is_float(name)]
    reference = _answers(export_onnx(graph).SerializeToString(), outputs, tried)
    ranges: dict[str, dict[str, TensorRange]] = {}
    snr_db: dict[str, float] = {}
    for done, name in enumerate(CANDIDATES, start=1):
        ranges[name] = ranges_by(graph, calibration, name, precisions=precisions)
        model = write_onnx_int8(quantize_graph(graph, ranges[name], precisions))
        snr_db[name] = _snr_db(reference, _answers(model, outputs, tried))
        report(done, len(CANDIDATES))
    best = max(snr_db, key=snr_db.__getitem__)
    return MethodSearch(best, ranges[best], snr_db)


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
