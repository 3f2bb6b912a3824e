"""How far the repair ladder is climbed for a bundle, and by what that is judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from quantize.calibration import Calibration, TensorRange, calibrate
from quantize.calibration_checkpoint import graph_digest
from quantize.calibration_options import RangeMethod
from quantize.graph import FloatGraph
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.quantizer import quantize_graph
from quantize.repair.cost import Cost
from quantize.repair.ladder import LadderOptions, LadderResult, climb
from quantize.repair.rungs import CHEAP_RUNGS, FULL_RUNGS
from quantize.report.model import LadderStep, RangeEntry

if TYPE_CHECKING:
    from pathlib import Path

    from quantize.build_request import BuildRequest
    from quantize.examples.model_examples import ModelExamples
    from quantize.int8_cost import CostMeter
    from quantize.repair.ladder import StageProgress

__all__ = ["final_ranges", "ladder_steps", "quantize_for"]

_SHARES, _MEASURED_SHARES = (0.1,), (0.1, 0.25, 0.5)
"""Of the multiplications, what may be left in float: as much of it as the limits ask for."""

_LADDER, _KNOWN = "repair ladder", "all a pixel can be"


def quantize_for(
    request: BuildRequest,
    graph: FloatGraph,
    examples: ModelExamples,
    *,
    known_ranges: Mapping[str, TensorRange],
    meter: Callable[[], CostMeter] | None,
    progress: StageProgress,
) -> tuple[QuantizedGraph, LadderResult | None]:
    """Calibrate, quantize and repair as far as the request asks.

    The cheap rungs are always climbed; the others only where int8 then still costs more decisions
    than allowed, or where all are asked for.

    Returns:
        The graph that is written, and what led to it; None where nothing was repaired.

    Raises:
        EdgeError: the graph cannot be quantized.
    """
    plan = plan_precisions(graph)
    used = set(plan.values())
    if used == {Precision.FLOAT} or (request.repair == "none" and Precision.INT8 not in used):
        return quantize_graph(graph, known_ranges, plan), None
    if request.repair == "none":
        ranges = calibrate(
            graph,
            examples,
            options=request.ranges,
            precisions=plan,
            progress=lambda done, total: progress("calibrate", done, total),
            checkpoint=request.checkpoint,
        )
        return quantize_graph(graph, {**ranges, **known_ranges}, plan), None
    # "full" is every rung, judged by the outputs alone: what is measured would end the climb as
    # soon as it is small enough. Without labels "auto" has no reason to go beyond the cheap ones.
    measure = meter() if meter is not None and request.repair == "auto" else None
    options = LadderOptions(
        limits=Cost(request.max_drop, request.max_flips),
        rungs=CHEAP_RUNGS if request.repair == "auto" and measure is None else FULL_RUNGS,
        precisions=plan,
        known_ranges=known_ranges,
        calibration=request.ranges,
        float_shares=_MEASURED_SHARES if measure is not None else _SHARES,
        checkpoint=request.checkpoint,
    )
    found = climb(graph, examples, options, measure=measure, progress=progress)
    return found.quantized, found


def ladder_steps(result: LadderResult | None) -> tuple[LadderStep, ...]:
    """The steps as the report shows them."""
    if result is None:
        return ()
    return tuple(
        LadderStep(each.rung, each.before, each.after, each.is_kept, each.seconds)
        for each in result.steps
    )


def final_ranges(
    quantized: QuantizedGraph,
    examples: ModelExamples,
    request: BuildRequest,
    *,
    known: Collection[str] = (),
    by_ladder: bool,
    progress: StageProgress,
) -> tuple[RangeEntry, ...]:
    """What was seen of every quantized activation of the final graph, and what it covers.

    Args:
        quantized: the final graph.
        examples: that it was calibrated on.
        request: has the options of the calibration, and where it keeps what it knows: without a
            ladder nothing is inferred again.
        known: activations whose range was never measured.
        by_ladder: whether the repair ladder chose the ranges, by what they do to the outputs; it
            leaves a method that was asked for.
        progress: told after each example.
    """
    if Precision.INT8 not in {quantized.precision(node) for node in quantized.graph.nodes}:
        return ()
    seen: Calibration = calibrate(
        quantized.graph,
        examples,
        options=request.ranges,
        precisions=quantized.precisions,
        progress=lambda done, total: progress("final ranges", done, total),
        checkpoint=_checkpoint_of_final(quantized, request, by_ladder=by_ladder),
    )
    entries: list[RangeEntry] = []
    for name, tensor in seen.tensors.items():
        params = quantized.activations[name]
        low, high = ((end - params.zero_point) * params.scale for end in (0, 255))
        is_tried = by_ladder and request.ranges.method is RangeMethod.AUTO
        method = _LADDER if is_tried else tensor.method.value
        method = _KNOWN if name in known else method
        entries.append(RangeEntry(name, *tensor.observed, low, high, method))
    return tuple(entries)


def _checkpoint_of_final(
    quantized: QuantizedGraph, request: BuildRequest, *, by_ladder: bool
) -> Path | None:
    """Where the graph's only calibration was kept, or a file beside those of the ladder's."""
    kept = request.checkpoint
    if kept is None or (not by_ladder and quantized.precisions == plan_precisions(quantized.graph)):
        return kept
    return kept.with_name(f"{kept.name}-{graph_digest(quantized.graph)[:12]}-2")
