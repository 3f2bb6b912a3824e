"""Examples through the float graph -> the range of every activation.

One pass, one example at a time: of each activation the exact extremes and a histogram are kept,
and ranges are chosen from those. Memory does not grow with the number of examples. While one
example is counted the next is read and inferred.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import InputError
from quantize.calibration_checkpoint import Checkpoint, calibration_key
from quantize.calibration_options import CalibrationOptions, RangeMethod
from quantize.calibration_state import CalibrationState
from quantize.calibration_walk import OtherExamplesError, observe_examples
from quantize.clip_search import squared_error
from quantize.graph import FloatGraph
from quantize.observers import Histogram
from quantize.operators import OPERATORS
from quantize.quantized_graph import Precision
from quantize.range_choice import choose_range
from quantize.range_methods.minimum_maximum import full_range
from quantize.range_methods.output_headroom import range_with_headroom
from quantize.run_examples import Examples, Progress, ignore_progress, require_examples
from quantize.same_scale import materialised_tensors, same_scale_groups
from quantize.tensor_statistics import RangeEvidence, joint_evidence
from quantize.uniform import activation_params

__all__ = [
    "CalibratedTensor",
    "Calibration",
    "CalibrationOptions",
    "RangeMethod",
    "TensorRange",
    "calibrate",
]


_BOUNDED = frozenset({"Clip", "HardSigmoid", "Tanh"})


@dataclass(frozen=True, slots=True)
class TensorRange:
    """What an activation is quantized to cover: low <= 0 <= high."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CalibratedTensor:
    """What was seen of an activation, and what was made of it.

    Attributes:
        observed: the exact extremes of this activation.
        chosen: its range; that of all activations that share its scale.
        method: where the range comes from.
        expected_snr_db: variance of the values over the expected squared error of uint8 in the
            range, of all that share the scale, in decibels; +inf where nothing is lost.
        histogram: of all that share the scale; edges (bins + 1,), counts (bins,).
    """

    observed: tuple[float, float]
    chosen: TensorRange
    method: RangeMethod
    expected_snr_db: float
    histogram: Histogram = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Calibration(Mapping[str, TensorRange]):
    """The range of every activation that is quantized, by name, and what it comes from.

    Two are equal where their ranges are.

    Attributes:
        tensors: everything about each.
        examples: how many were seen.
        digest: SHA-256 in hex over the examples in their order.
    """

    tensors: Mapping[str, CalibratedTensor]
    examples: int
    digest: str

    def __getitem__(self, name: str) -> TensorRange:
        return self.tensors[name].chosen

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)


def calibrate(
    graph: FloatGraph,
    examples: Examples,
    *,
    options: CalibrationOptions | None = None,
    precisions: Mapping[str, Precision] | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Calibration:
    """Find the range of every activation that is quantized.

    Activations that must share a scale are seen as one. Graph inputs and outputs keep all that
    was seen, whatever the method, and outputs get some room for more: clipping an input loses
    pixels, and clipping an output ties the surest answers.

    Args:
        graph: the float graph.
        examples: at least one, the same each time they are walked.
        options: the range method and its like; the defaults choose by tensor.
        precisions: by node name; INT8 for those not named.
        progress: told after each example.
        checkpoint: where to keep what is known, so that a stopped calibration goes on. It stays
            when all is done, and then saves all inference the next time; the caller removes it.

    Returns:
        A range for each name of `materialised_tensors`; the same bits whether stopped or not.

    Raises:
        InputError: no examples, or all are the same; or an activation is NaN or infinite.
        OutputError: the checkpoint cannot be written.
        EngineError: onnxruntime failed.
    """
    require_examples(examples)
    settings = options or CalibrationOptions()
    names = materialised_tensors(graph, precisions)
    state = CalibrationState(graph, names, most_values=settings.values_per_example)
    keeper = Checkpoint(checkpoint, calibration_key(graph, state)) if checkpoint else None
    report = progress or ignore_progress
    seconds = settings.checkpoint_seconds
    if keeper is not None:
        keeper.load(state)
    try:
        observe_examples(graph, examples, state, progress=report, keeper=keeper, seconds=seconds)
    except OtherExamplesError:
        if keeper is not None:
            keeper.tell_unused("it belongs to other examples")
        state = CalibrationState(graph, names, most_values=settings.values_per_example)
        observe_examples(graph, examples, state, progress=report, keeper=keeper, seconds=seconds)
    _refuse_constant(graph, state)
    groups = same_scale_groups(graph, precisions)
    return _choose_ranges(graph, groups, state, settings)


def _refuse_constant(graph: FloatGraph, state: CalibrationState) -> None:
    if state.done == 0:
        raise InputError("no calibration example could be used; give at least one")
    if state.done > 1 and not state.is_varied:
        raise InputError(
            f"all {state.done} calibration examples are the same; give different ones, "
            "better a hundred or more"
        )
    inputs = [state.tensors.get(name) for name in graph.inputs]
    if all(each is not None and each.low == each.high for each in inputs):
        values = ", ".join(f"{each.low:g}" for each in inputs if each is not None)
        raise InputError(
            f"the calibration examples are constant: every value is {values}; give real inputs"
        )


def _choose_ranges(
    graph: FloatGraph,
    groups: Mapping[str, tuple[str, ...]],
    state: CalibrationState,
    options: CalibrationOptions,
) -> Calibration:
    tensors: dict[str, CalibratedTensor] = {}
    for members in dict.fromkeys(groups.values()):
        evidence = joint_evidence([state.tensors[name] for name in members])
        method, (low, high) = _choose(graph, members, evidence, options, state.done)
        snr_db = _expected_snr_db(evidence.histogram, low, high)
        for name in members:
            seen = state.tensors[name]
            tensors[name] = CalibratedTensor(
                observed=(seen.low, seen.high),
                chosen=TensorRange(low, high),
                method=method,
                expected_snr_db=snr_db,
                histogram=evidence.histogram,
            )
    return Calibration(
        tensors={name: tensors[name] for name in groups},
        examples=state.done,
        digest=state.digest.hex(),
    )


def _choose(
    graph: FloatGraph,
    members: tuple[str, ...],
    evidence: RangeEvidence,
    options: CalibrationOptions,
    examples: int,
) -> tuple[RangeMethod, tuple[float, float]]:
    if not set(graph.inputs).isdisjoint(members):
        return RangeMethod.MINMAX, full_range(evidence.histogram)
    if not set(graph.outputs).isdisjoint(members):
        if _is_bounded(graph, members):
            return RangeMethod.MINMAX, full_range(evidence.histogram)
        return RangeMethod.MINMAX, range_with_headroom(
            evidence.histogram, evidence.average_low, evidence.average_high, examples=examples
        )
    return options.method, choose_range(evidence, options)


def _is_bounded(graph: FloatGraph, members: tuple[str, ...]) -> bool:
    producers = [graph.producer(name) for name in members]
    return any(
        node is not None and (node.op in _BOUNDED or OPERATORS[node.op].fixed_output is not None)
        for node in producers
    )


def _expected_snr_db(histogram: Histogram, low: float, high: float) -> float:
    error = squared_error(histogram, activation_params(low, high))
    if error == 0.0:
        return math.inf
    power = histogram.variance * histogram.total
    return 10.0 * math.log10(power / error) if power > 0.0 else -math.inf
