"""What the runs say of each model: the best of each side, the difference, and the bar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from benchmarks.peers.quantizers.record import OURS, Comparison, Run, SpeedRun

__all__ = [
    "BARS_DB",
    "EngineVerdict",
    "best_of_each_peer",
    "best_peer",
    "engine_verdict",
    "fastest_ms",
    "ours",
    "typical_ms",
]

BARS_DB = {"mobilenet_v3": 5.0, "efficientnet_b0": 5.0}
"""By model, how far above the best other quantizer; 1 dB where none is named."""

_BAR_DB = 1.0


@dataclass(frozen=True, slots=True)
class EngineVerdict:
    """One model on one engine.

    Attributes:
        ours: our best run; None where it has not been made.
        best: the best other run that calibrates; None where there is none.
        best_dynamic: the best other run that quantizes activations at run time, for comparison.
        difference_db: ours less the best; None where either is missing.
        bar_db: what the difference should be.
    """

    ours: Run | None
    best: Run | None
    best_dynamic: Run | None
    difference_db: float | None
    bar_db: float

    @property
    def is_met(self) -> bool | None:
        """Whether the bar is met; None where it cannot be said."""
        return None if self.difference_db is None else self.difference_db >= self.bar_db


def ours(comparison: Comparison, model: str, engine: str) -> Run | None:
    """Our best run on a model and an engine; one with a fault where there is no other."""
    runs = [
        run
        for run in comparison.runs
        if run.peer == OURS and run.model == model and run.engine == engine
    ]
    return _best(runs) or next(iter(runs), None)


def best_peer(
    comparison: Comparison, model: str, engine: str, *, is_dynamic: bool = False
) -> Run | None:
    """The other quantizers' run of the highest quality; files left in float do not count."""
    return _best(
        run
        for run in comparison.runs
        if (run.model, run.engine, run.is_dynamic) == (model, engine, is_dynamic)
        and run.peer != OURS
        and run.is_quantized
    )


def best_of_each_peer(comparison: Comparison, model: str, engine: str) -> dict[str, Run]:
    """Of each other quantizer its best run; a dynamic one of its own counts apart."""
    runs = [run for run in comparison.runs if run.model == model and run.engine == engine]
    names = dict.fromkeys((run.peer, run.is_dynamic) for run in runs if run.peer != OURS)
    found = {}
    for peer, is_dynamic in names:
        best = _best(
            run
            for run in runs
            if run.peer == peer and run.is_dynamic == is_dynamic and run.is_quantized
        )
        if best is not None:
            found[f"{peer} dynamic" if is_dynamic else peer] = best
    return found


def engine_verdict(comparison: Comparison, model: str, engine: str) -> EngineVerdict:
    """Judge one model on one engine."""
    own, best = ours(comparison, model, engine), best_peer(comparison, model, engine)
    difference = None
    if own is not None and own.quality is not None and best is not None:
        difference = own.quality.worst_db - _decibels(best)
    return EngineVerdict(
        ours=own,
        best=best,
        best_dynamic=best_peer(comparison, model, engine, is_dynamic=True),
        difference_db=difference,
        bar_db=BARS_DB.get(model, _BAR_DB),
    )


def fastest_ms(speed: SpeedRun, name: str) -> float:
    """The smallest sample of a file."""
    return min(min(samples) for samples in speed.rounds_ms[name])


def typical_ms(speed: SpeedRun, name: str) -> float:
    """The median over the rounds of each round's median."""
    return median(median(samples) for samples in speed.rounds_ms[name])


def _best(runs: Iterable[Run]) -> Run | None:
    return max((run for run in runs if run.quality is not None), key=_decibels, default=None)


def _decibels(run: Run) -> float:
    return run.quality.worst_db if run.quality is not None else float("-inf")
