"""The repair ladder: rungs in rising cost, each kept only where it helps.

After each rung the quantized model is judged on examples that no rung fits anything to: by the
centred signal-to-noise ratio of its outputs, and, where the caller gives a `measure`, by what int8
costs in decisions. The cheap rungs are always climbed; of the others no more than that cost asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from quantize.calibration import CalibrationOptions, TensorRange
from quantize.graph import FloatGraph
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.repair.careful_ranges import RangeRules
from quantize.repair.cost import Cost
from quantize.repair.output_error import OutputError
from quantize.repair.rungs import (
    CHEAP_RUNGS,
    RUNGS,
    RepairState,
    Rung,
    Workshop,
    calibrated,
    is_applicable,
)
from quantize.repair.selected_examples import SelectedExamples, spread_examples
from quantize.run_examples import Examples, Progress, Tensors, require_examples

__all__ = ["Cost", "LadderOptions", "LadderResult", "LadderStep", "StageProgress", "climb"]

StageProgress = Callable[[str, int, int], None]
"""Called with the rung's name, and how many of how many of its steps are done."""

_HELD_OUT_EVERY = 4
_MOST_HELD_OUT = 32
_FEWEST_TO_SPLIT = 8
_LEAST_GAIN_DB = 0.05
_LEAST_FLOAT_GAIN_DB = 1.0
"""What a rung has to give that leaves layers in float: they may cost time on the board."""

_MOST_FITTED = 64
_LIMITS = Cost(drop=0.005, flips=0.01)


@dataclass(frozen=True, slots=True)
class LadderOptions:
    """How far to climb.

    Attributes:
        limits: of what `measure` gives; within them no expensive rung is climbed.
        rungs: which, in this order.
        precisions: by node name; INT8 for those not named.
        known_ranges: ranges that need no calibration, by activation.
        calibration: how ranges are first found.
        float_shares: most of the multiplications that the last rung may leave in float; it is
            climbed once with each, while what is measured asks for more.
        checkpoint: where calibration keeps what it knows, each half of the examples in a file of
            its own whose name begins so; None for nowhere.
    """

    limits: Cost = _LIMITS
    rungs: tuple[Rung, ...] = CHEAP_RUNGS
    precisions: Mapping[str, Precision] = field(default_factory=dict)
    known_ranges: Mapping[str, TensorRange] = field(default_factory=dict)
    calibration: CalibrationOptions = field(default_factory=CalibrationOptions)
    float_shares: tuple[float, ...] = (0.1,)
    checkpoint: Path | None = None


@dataclass(frozen=True, slots=True)
class LadderStep:
    """What one rung did.

    Attributes:
        rung: its name; "ranges" is the start.
        before: signal-to-noise ratio on held-out examples in dB before it; NaN at the start.
        after: the same after it.
        cost: in decisions after it; None where it was not measured.
        is_kept: whether the ladder went on from it.
        seconds: what it took, measuring included.
    """

    rung: str
    before: float
    after: float
    cost: Cost | None
    is_kept: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class LadderResult:
    """Where the ladder ended.

    Attributes:
        quantized: the best graph.
        steps: every rung that was tried.
        is_reached: whether the cost is within the limits; true where nothing was measured.
        cost: of the best graph; None where nothing was measured.
        snr_db: of the best graph on held-out examples.
        unseen_noise: of the best graph's ranges, on examples that they were not made from.
    """

    quantized: QuantizedGraph
    steps: tuple[LadderStep, ...]
    is_reached: bool
    cost: Cost | None
    snr_db: float
    unseen_noise: float


@dataclass(frozen=True, slots=True)
class _Place:
    state: RepairState
    snr_db: float
    cost: Cost | None = None


def climb(
    graph: FloatGraph,
    examples: Examples,
    options: LadderOptions | None = None,
    *,
    measure: Callable[[QuantizedGraph], Cost] | None = None,
    progress: StageProgress | None = None,
) -> LadderResult:
    """Quantize a graph and repair it as far as is needed.

    Args:
        graph: canonical, supported operators only.
        examples: real inputs, the same each time they are walked; every fourth, at most 32 of
            them, is held out to judge by.
        options: how far to climb.
        measure: what a quantized graph costs in decisions. Without it all rungs of the options
            are tried.
        progress: told how far each rung is.

    Returns:
        The best graph, and what led to it; the same for the same input.

    Raises:
        InputError: no examples, or an activation is NaN or infinite.
        UnsupportedInputError: the graph cannot be quantized.
        EngineError: onnxruntime failed.
    """
    require_examples(examples)
    chosen = options or LadderOptions()
    ladder = _Ladder(graph, examples, chosen, measure, progress)
    place = ladder.start()
    for rung, share in _in_order(chosen):
        if not is_applicable(rung, place.state.quantized):
            continue
        if rung not in CHEAP_RUNGS:
            place = ladder.with_cost(place)
            if place.cost is not None and place.cost.is_within(chosen.limits):
                break
        place = ladder.try_rung(place, rung, share)
    place = ladder.with_cost(place)
    return LadderResult(
        quantized=place.state.quantized,
        steps=tuple(ladder.steps),
        is_reached=place.cost is None or place.cost.is_within(chosen.limits),
        cost=place.cost,
        snr_db=place.snr_db,
        unseen_noise=place.state.unseen_noise,
    )


def _in_order(options: LadderOptions) -> Iterator[tuple[Rung, float]]:
    """Each rung with the share of the work that it may leave in float."""
    for rung in options.rungs:
        for share in options.float_shares if rung is Rung.MIXED else (0.0,):
            yield rung, share


class _Ladder:
    def __init__(
        self,
        graph: FloatGraph,
        examples: Examples,
        options: LadderOptions,
        measure: Callable[[QuantizedGraph], Cost] | None,
        progress: StageProgress | None,
    ) -> None:
        held, rest = _split(examples)
        self.steps: list[LadderStep] = []
        self._measure = measure
        self._limits = options.limits
        self._progress = progress
        self._judge = OutputError(graph, held)
        self._shop = Workshop(
            source=graph,
            examples=examples,
            rest=rest,
            error=OutputError(graph, spread_examples(rest, _MOST_FITTED)),
            rules=RangeRules(
                known=options.known_ranges,
                floors={},
                precisions=options.precisions,
                options=options.calibration,
                checkpoint=options.checkpoint,
            ),
            float_share=0.0,
        )

    def start(self) -> _Place:
        """The plain recipe with the ranges that serve best."""
        began = perf_counter()
        state = calibrated(self._shop.source, {}, self._shop, self._report("ranges"))
        place = self._judged(state)
        self._note("ranges", float("nan"), place, is_kept=True, began=began)
        return place

    def try_rung(self, place: _Place, rung: Rung, float_share: float = 0.0) -> _Place:
        """Climb one rung, and step back where it does not help."""
        began = perf_counter()
        shop = replace(self._shop, float_share=float_share)
        state = RUNGS[rung](place.state, shop, self._report(rung.value))
        found = self._judged(state)
        if place.cost is not None:
            found = self.with_cost(found)
        is_kept = self._is_better(found, place)
        self._note(rung.value, place.snr_db, found, is_kept=is_kept, began=began)
        return found if is_kept else place

    def with_cost(self, place: _Place) -> _Place:
        """The place with what it costs in decisions, where that can be measured."""
        if place.cost is not None or self._measure is None:
            return place
        return replace(place, cost=self._measure(place.state.quantized))

    def _judged(self, state: RepairState) -> _Place:
        return _Place(state, self._judge.snr_db(state.quantized))

    def _is_better(self, found: _Place, place: _Place) -> bool:
        """By the outputs; a drop of the metric that grows beyond its limit is never taken.

        Flips are too few to judge a rung by: one more or less is chance, while the noise of the
        outputs, which they come from, is measured well. Graphs of other ranges are compared by
        what they do to examples that calibration did not see.
        """
        if found.cost is not None and place.cost is not None:
            allowed = max(place.cost.drop, self._limits.drop)
            if found.cost.drop > allowed:
                return False
        if found.state.unseen_noise != place.state.unseen_noise:
            return bool(found.state.unseen_noise < place.state.unseen_noise)
        is_wider = _floats(found.state.quantized) > _floats(place.state.quantized)
        least = _LEAST_FLOAT_GAIN_DB if is_wider else _LEAST_GAIN_DB
        return bool(found.snr_db >= place.snr_db + least)

    def _note(
        self, rung: str, before: float, place: _Place, *, is_kept: bool, began: float
    ) -> None:
        seconds = perf_counter() - began
        self.steps.append(LadderStep(rung, before, place.snr_db, place.cost, is_kept, seconds))

    def _report(self, rung: str) -> Progress:
        def tell(done: int, total: int) -> None:
            if self._progress is not None:
                self._progress(rung, done, total)

        return tell


def _floats(quantized: QuantizedGraph) -> int:
    """How many nodes are computed in float."""
    return sum(quantized.precision(node) is Precision.FLOAT for node in quantized.graph.nodes)


def _split(examples: Examples) -> tuple[list[Tensors], Examples]:
    """Held-out examples, evenly spread, and the rest; of fewer than eight all serve for both."""
    count = len(examples)
    if count < _FEWEST_TO_SPLIT:
        return list(examples), examples
    wanted = min(_MOST_HELD_OUT, count // _HELD_OUT_EVERY)
    held = {int(at) for at in np.linspace(0, count - 1, wanted).round()}
    rest = frozenset(range(count)) - held
    return (
        list(SelectedExamples(examples, frozenset(held))),
        SelectedExamples(examples, rest),
    )
