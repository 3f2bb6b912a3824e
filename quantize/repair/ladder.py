"""The repair ladder: rungs in rising cost, each kept only where it helps.

After each rung the quantized model is measured: the centred signal-to-noise ratio of its outputs
on examples held out from calibration, and, where the caller gives a `measure`, the drop of the
metric that counts. The ladder ends when the drop is within bounds, or when no rung is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

from quantize.calibration import CalibrationOptions, TensorRange
from quantize.graph import FloatGraph
from quantize.quantized_graph import Precision, QuantizedGraph
from quantize.repair.careful_ranges import RangeRules
from quantize.repair.output_error import OutputError
from quantize.repair.rungs import (
    CHEAP_RUNGS,
    RUNGS,
    RepairState,
    Rung,
    Workshop,
    calibrated,
)
from quantize.repair.selected_examples import SelectedExamples
from quantize.run_examples import Examples, Progress, Tensors, require_examples

__all__ = ["LadderOptions", "LadderResult", "LadderStep", "StageProgress", "climb"]

StageProgress = Callable[[str, int, int], None]
"""Called with the rung's name, and how many of how many of its steps are done."""

_HELD_OUT_EVERY = 4
_MOST_HELD_OUT = 32
_FEWEST_TO_SPLIT = 8
_LEAST_GAIN_DB = 0.05


@dataclass(frozen=True, slots=True)
class LadderOptions:
    """How far to climb.

    Attributes:
        max_drop: of the metric that `measure` gives; within it the ladder ends.
        rungs: which, in this order.
        precisions: by node name; INT8 for those not named.
        known_ranges: ranges that need no calibration, by activation.
        calibration: how ranges are first found.
        float_share: most of the multiplications that the last rung may leave in float.
        checkpoint: where calibration keeps what it knows, each half of the examples in a file of
            its own whose name begins so; None for nowhere.
    """

    max_drop: float = 0.005
    rungs: tuple[Rung, ...] = CHEAP_RUNGS
    precisions: Mapping[str, Precision] = field(default_factory=dict)
    known_ranges: Mapping[str, TensorRange] = field(default_factory=dict)
    calibration: CalibrationOptions = field(default_factory=CalibrationOptions)
    float_share: float = 0.1
    checkpoint: Path | None = None


@dataclass(frozen=True, slots=True)
class LadderStep:
    """What one rung did.

    Attributes:
        rung: its name; "ranges" is the start.
        before: signal-to-noise ratio on held-out examples in dB before it; NaN at the start.
        after: the same after it.
        drop: of the caller's metric after it; None where it was not measured.
        is_kept: whether the ladder went on from it.
        seconds: what it took, measuring included.
    """

    rung: str
    before: float
    after: float
    drop: float | None
    is_kept: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class LadderResult:
    """Where the ladder ended.

    Attributes:
        quantized: the best graph.
        steps: every rung that was tried.
        is_reached: whether the drop is within bounds; true where nothing was measured.
        drop: of the best graph; None where nothing was measured.
        snr_db: of the best graph on held-out examples.
        unseen_noise: of the best graph's ranges, on examples that they were not made from.
    """

    quantized: QuantizedGraph
    steps: tuple[LadderStep, ...]
    is_reached: bool
    drop: float | None
    snr_db: float
    unseen_noise: float

    def shortfall(self, max_drop: float) -> float:
        """By how much the drop is beyond the bound; 0 within it."""
        return max(0.0, (self.drop or 0.0) - max_drop)


@dataclass(frozen=True, slots=True)
class _Place:
    state: RepairState
    snr_db: float
    drop: float | None


def climb(
    graph: FloatGraph,
    examples: Examples,
    options: LadderOptions | None = None,
    *,
    measure: Callable[[QuantizedGraph], float] | None = None,
    progress: StageProgress | None = None,
) -> LadderResult:
    """Quantize a graph and repair it as far as is needed.

    Args:
        graph: canonical, supported operators only.
        examples: real inputs, the same each time they are walked; every fourth is held out.
        options: how far to climb.
        measure: drop of the metric that counts, for a quantized graph; at most `max_drop` is
            good. Without it all rungs of the options are tried.
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
    for rung in chosen.rungs:
        if place.drop is not None and place.drop <= chosen.max_drop:
            break
        place = ladder.try_rung(place, rung)
    return LadderResult(
        quantized=place.state.quantized,
        steps=tuple(ladder.steps),
        is_reached=place.drop is None or place.drop <= chosen.max_drop,
        drop=place.drop,
        snr_db=place.snr_db,
        unseen_noise=place.state.unseen_noise,
    )


class _Ladder:
    def __init__(
        self,
        graph: FloatGraph,
        examples: Examples,
        options: LadderOptions,
        measure: Callable[[QuantizedGraph], float] | None,
        progress: StageProgress | None,
    ) -> None:
        held, rest = _split(examples)
        self.steps: list[LadderStep] = []
        self._measure = measure
        self._progress = progress
        self._shop = Workshop(
            source=graph,
            examples=examples,
            rest=rest,
            error=OutputError(graph, held),
            rules=RangeRules(
                known=options.known_ranges,
                floors={},
                precisions=options.precisions,
                options=options.calibration,
                checkpoint=options.checkpoint,
            ),
            float_share=options.float_share,
        )

    def start(self) -> _Place:
        """The plain recipe with the ranges that serve best."""
        began = perf_counter()
        state = calibrated(self._shop.source, {}, self._shop, self._report("ranges"))
        place = self._measured(state)
        self._note("ranges", float("nan"), place, is_kept=True, began=began)
        return place

    def try_rung(self, place: _Place, rung: Rung) -> _Place:
        """Climb one rung, and step back where it does not help."""
        began = perf_counter()
        state = RUNGS[rung](place.state, self._shop, self._report(rung.value))
        found = self._measured(state)
        is_kept = _is_better(found, place)
        self._note(rung.value, place.snr_db, found, is_kept=is_kept, began=began)
        return found if is_kept else place

    def _measured(self, state: RepairState) -> _Place:
        snr_db = self._shop.error.snr_db(state.quantized)
        drop = None if self._measure is None else self._measure(state.quantized)
        return _Place(state, snr_db, drop)

    def _note(
        self, rung: str, before: float, place: _Place, *, is_kept: bool, began: float
    ) -> None:
        seconds = perf_counter() - began
        self.steps.append(LadderStep(rung, before, place.snr_db, place.drop, is_kept, seconds))

    def _report(self, rung: str) -> Progress:
        def tell(done: int, total: int) -> None:
            if self._progress is not None:
                self._progress(rung, done, total)

        return tell


def _is_better(found: _Place, place: _Place) -> bool:
    """By the outputs; a larger drop of the metric is never taken.

    Graphs of other ranges are compared by what they do to examples that calibration did not see.
    """
    if found.drop is not None and place.drop is not None and found.drop > place.drop:
        return False
    if found.state.unseen_noise != place.state.unseen_noise:
        return bool(found.state.unseen_noise < place.state.unseen_noise)
    return bool(found.snr_db >= place.snr_db + _LEAST_GAIN_DB)


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
