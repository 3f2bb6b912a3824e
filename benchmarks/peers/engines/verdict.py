"""Ours against the fastest of the others, on answers that are worth something. Arithmetic only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.engines.contestants import OUR_NAME
from benchmarks.peers.engines.record import Entry, Heat
from benchmarks.peers.ratios import Ratio, ratio_of_pairs

__all__ = [
    "BAR",
    "LEAST_DB",
    "HeatVerdict",
    "counts",
    "heat_verdict",
    "ratio_of_entries",
    "round_times_ms",
    "typical_ms",
]

BAR = 1.03
"""Ours may take this many times as long as the fastest int8 of the others."""

LEAST_DB = 10.0
"""Centred signal-to-noise ratio below which an answer is wrong, however fast it came."""

_UNCHOSEN = f"{OUR_NAME} int8, onnxruntime"


@dataclass(frozen=True, slots=True)
class HeatVerdict:
    """How a heat ended.

    Attributes:
        ours: the fastest of ours, of any precision: what a choice on this machine would keep.
        fastest: the fastest int8 of the others.
        ratio: time of ours by time of the fastest, with its interval.
        unchosen: the same of what `edge-run` takes where nothing has been chosen, int8 on
            onnxruntime; None where it did not run, or not rightly.
    """

    ours: Entry
    fastest: Entry
    ratio: Ratio
    unchosen: Ratio | None

    @property
    def is_met(self) -> bool:
        """Whether the bar is met by the median of the rounds."""
        return self.ratio.median <= BAR


def counts(entry: Entry) -> bool:
    """Whether an entry has times, and answers worth having."""
    is_right = entry.quality is not None and entry.quality.worst_db >= LEAST_DB
    return entry.fault is None and is_right and bool(entry.rounds_ns)


def round_times_ms(entry: Entry) -> list[float]:
    """One time a round, in milliseconds, that other programs change as little as can be.

    At one thread it is the processor time of an inference, which being interrupted does not add
    to; an engine that takes more threads than it was given pays for them. At several threads
    waiting for one another counts, so it is the smallest time on the clock.
    """
    if entry.threads == 1:
        return [each / 1e6 for each in entry.rounds_processor_ns]
    return [min(each) / 1e6 for each in entry.rounds_ns]


def typical_ms(entry: Entry) -> float:
    """Median of the rounds' times, in milliseconds."""
    return float(np.median(round_times_ms(entry)))


def ratio_of_entries(ours: Entry, theirs: Entry) -> Ratio:
    """Time of one by time of another, round by round."""
    return ratio_of_pairs(round_times_ms(ours), round_times_ms(theirs))


def heat_verdict(heat: Heat) -> HeatVerdict | None:
    """Judge a heat; None where ours or all others did not run, or not rightly."""
    ours = _fastest(each for each in heat.entries if each.is_ours)
    others = [each for each in heat.entries if not each.is_ours and each.precision == "int8"]
    fastest = _fastest(others)
    if ours is None or fastest is None:
        return None
    usual = next((each for each in heat.entries if each.key == _UNCHOSEN and counts(each)), None)
    unchosen = None if usual is None else ratio_of_entries(usual, fastest)
    return HeatVerdict(ours, fastest, ratio_of_entries(ours, fastest), unchosen)


def _fastest(entries: Iterable[Entry]) -> Entry | None:
    running: Sequence[Entry] = [each for each in entries if counts(each)]
    return min(running, key=typical_ms, default=None)
