"""The rungs of the repair ladder, each from one state of a model to another.

A rung is free to make things worse: `ladder` measures, and keeps what helps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from quantize.calibration import TensorRange
from quantize.calibration_options import RangeMethod
from quantize.graph import FloatGraph
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.quantizer import quantize_graph
from quantize.repair.adaptive_rounding import learn_rounding
from quantize.repair.bias_correction import correct_biases_in_order
from quantize.repair.careful_ranges import RangeRules, choose_ranges
from quantize.repair.dynamic_compensation import compensate_dynamic
from quantize.repair.equalization import equalise
from quantize.repair.error_compensation import compensate_errors
from quantize.repair.float_beginning import leave_beginning_in_float
from quantize.repair.float_input import leave_input_in_float
from quantize.repair.mixed_precision import leave_first_in_float, leave_in_float
from quantize.repair.output_bias import correct_output_bias
from quantize.repair.output_error import OutputError
from quantize.repair.range_search import search_ranges
from quantize.repair.selected_examples import spread_examples
from quantize.repair.shortcut_folding import fold_cheap_shortcuts
from quantize.repair.smooth import smooth
from quantize.repair.stream_rotation import rotate_streams
from quantize.run_examples import Examples, Progress

__all__ = [
    "CHEAP_RUNGS",
    "FULL_RUNGS",
    "RUNGS",
    "RepairState",
    "Rung",
    "Workshop",
    "calibrated",
    "is_applicable",
]

_MOST_JUDGED = 64


class Rung(str, Enum):
    """In rising cost.

    EQUALISE: channels brought to like size over the whole graph. ROTATE: the same after linear
    streams changed their basis and cheap shortcuts were folded. SMOOTH: loud channels before
    DYNAMIC products made quieter. BEGINNING: first layers in float, where the noise begins there.
    BIAS: bias correction. COMPENSATE: weights rounded so that they make up for each other's errors.
    INPUT: the layer that reads the input in float, where it is little work. ROUND: learned
    rounding. SEARCH: ranges tuned to the outputs. MIXED: the worst or the first layers in float.
    """

    EQUALISE = "equalise"
    ROTATE = "rotate"
    SMOOTH = "smooth"
    BEGINNING = "beginning"
    BIAS = "bias"
    COMPENSATE = "compensate"
    INPUT = "input"
    ROUND = "round"
    SEARCH = "search"
    MIXED = "mixed"


CHEAP_RUNGS = (
    *(Rung.EQUALISE, Rung.ROTATE, Rung.SMOOTH, Rung.BEGINNING),
    *(Rung.BIAS, Rung.COMPENSATE, Rung.INPUT),
)
FULL_RUNGS = tuple(Rung)

_ALSO_DYNAMIC = frozenset({Rung.COMPENSATE})
_ONLY_DYNAMIC = frozenset({Rung.SMOOTH})


@dataclass(frozen=True, slots=True)
class RepairState:
    """A model on the ladder.

    Attributes:
        graph: the float graph; it computes what the first one did.
        ranges: of its activations.
        quantized: the graph quantized.
        floors: see `RangeRules`.
        unseen_noise: of the graph with these ranges, on examples that they were not made from.
    """

    graph: FloatGraph
    ranges: Mapping[str, TensorRange]
    quantized: QuantizedGraph
    floors: Mapping[str, float]
    unseen_noise: float


@dataclass(frozen=True, slots=True)
class Workshop:
    """What rungs work with.

    Attributes:
        source: the graph as it was before the first rung.
        examples: all of them, for ranges.
        rest: those not held out, for what is fitted.
        error: measures on some of the rest. What judges the rungs is not here: no rung may fit to
            it.
        rules: of ranges; floors apart.
        float_share: most of the multiplications that MIXED may leave in float.
    """

    source: FloatGraph
    examples: Examples
    rest: Examples
    error: OutputError
    rules: RangeRules
    float_share: float


Climb = Callable[[RepairState, Workshop, Progress], RepairState]


def calibrated(
    graph: FloatGraph, floors: Mapping[str, float], shop: Workshop, report: Progress
) -> RepairState:
    """The state of a graph with the ranges that serve it best."""
    rules = replace(shop.rules, floors=floors)
    quantized = _without_ranges(graph, rules.precisions)
    if quantized is not None:
        noise = OutputError(graph, spread_examples(shop.examples, _MOST_JUDGED)).noise(quantized)
        return RepairState(graph, {}, quantized, floors, noise)
    found = choose_ranges(graph, shop.examples, rules, progress=report)
    return RepairState(graph, found.ranges, found.quantized, floors, found.noise)


def _without_ranges(
    graph: FloatGraph, precisions: Mapping[str, Precision]
) -> QuantizedGraph | None:
    """The graph quantized, where no activation has a range because no node is INT8."""
    used = {precisions.get(node.name, Precision.INT8) for node in graph.nodes}
    return None if Precision.INT8 in used else quantize_graph(graph, {}, precisions)


def is_applicable(rung: Rung, quantized: QuantizedGraph) -> bool:
    """Whether a graph has layers that a rung works on."""
    used = {quantized.precision(node) for node in quantized.graph.nodes}
    found = used & {Precision.INT8, Precision.DYNAMIC}
    if rung in _ONLY_DYNAMIC:
        return Precision.DYNAMIC in found
    return bool(found) if rung in _ALSO_DYNAMIC else Precision.INT8 in found


def _equalise(_state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    precisions = shop.rules.precisions
    found = equalise(shop.source, shop.examples, precisions=precisions, progress=report)
    return calibrated(found.graph, found.floors, shop, report)


def _rotate(_state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    folded = fold_cheap_shortcuts(shop.source)
    rotated = rotate_streams(folded, shop.examples, progress=report)
    precisions = shop.rules.precisions
    found = equalise(rotated, shop.examples, precisions=precisions, progress=report)
    return calibrated(found.graph, found.floors, shop, report)


def _smooth(state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    found = smooth(state.graph, shop.rest, shop.rules.precisions, progress=report)
    return state if found is state.graph else calibrated(found, state.floors, shop, report)


def _begin(state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    found = leave_beginning_in_float(state.quantized, shop.error, progress=report)
    if found is state.quantized:
        report(1, 1)
        return state
    # Made anew: there no gate is opened, and no factor of the integer part follows from it.
    rules = replace(shop.rules, precisions=found.precisions)
    return _rotate(state, replace(shop, rules=rules), report)


def _correct(state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    corrected = correct_biases_in_order(state.quantized, shop.rest, progress=report)
    return replace(state, quantized=correct_output_bias(corrected, shop.rest))


def _compensate(state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    found = compensate_dynamic(state.quantized, shop.rest, progress=report)
    if is_applicable(Rung.BIAS, found):
        found = compensate_errors(found, shop.rest, progress=report)
    return replace(state, quantized=correct_output_bias(found, shop.rest))


def _float_input(state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    wider = leave_input_in_float(state.quantized)
    if wider is state.quantized:
        report(1, 1)
        return state
    # Weights and biases made up for errors that are no longer there.
    return _compensate(replace(state, quantized=wider), shop, report)


def _round(state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    found = learn_rounding(state.quantized, shop.rest, progress=report)
    return replace(state, quantized=correct_output_bias(found, shop.rest))


def _search(state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    if shop.rules.options.method is not RangeMethod.AUTO:
        return state  # the ranges are those of the method that was asked for
    found = search_ranges(state.quantized, state.ranges, shop.error, progress=report)
    return replace(state, ranges=found.ranges, quantized=found.quantized)


def _mix(state: RepairState, shop: Workshop, report: Progress) -> RepairState:
    share = shop.float_share
    worst = leave_in_float(state.quantized, shop.error, most_share=share, progress=report)
    first = leave_first_in_float(state.quantized, most_share=share)
    # Weights and biases made up for errors that are no longer there.
    found = [
        _compensate(replace(state, quantized=each), shop, report)
        for each in (worst, first)
        if each is not state.quantized
    ]
    return min(found, key=lambda each: shop.error.noise(each.quantized), default=state)


RUNGS: Mapping[Rung, Climb] = {
    Rung.EQUALISE: _equalise,
    Rung.ROTATE: _rotate,
    Rung.SMOOTH: _smooth,
    Rung.BEGINNING: _begin,
    Rung.BIAS: _correct,
    Rung.COMPENSATE: _compensate,
    Rung.INPUT: _float_input,
    Rung.ROUND: _round,
    Rung.SEARCH: _search,
    Rung.MIXED: _mix,
}
