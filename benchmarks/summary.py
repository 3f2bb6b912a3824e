"""What the samples of a measurement say. Arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.records.measurement import STAGES, AnswerSamples, Measurement
from benchmarks.statistics.quantile_interval import carried_percentiles
from edge.latency_summary import Percentile

__all__ = [
    "SeriesSummary",
    "Sustained",
    "answers_per_second",
    "arrivals_per_second",
    "share_over_bound",
    "summarise_queries",
    "summarise_stages",
    "sustained_latency",
]


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """One stage over all answers, or whole queries.

    Attributes:
        name: one of `STAGES`, or "query".
        samples: how many.
        least_ns: the fastest.
        most_ns: the slowest.
        percentiles: those that the samples can carry.
    """

    name: str
    samples: int
    least_ns: int
    most_ns: int
    percentiles: tuple[Percentile, ...]

    def percentile(self, quantile: float) -> Percentile | None:
        """One of them; None where the samples do not carry it."""
        return next((each for each in self.percentiles if each.quantile == quantile), None)


@dataclass(frozen=True, slots=True)
class Sustained:
    """Latency after a while of full load.

    Attributes:
        after_s: seconds of load before the first answer that is counted.
        summary: of the calls of the second half of the sustained phase.
        ratio: its median by that of the timed phase.
    """

    after_s: float
    summary: SeriesSummary
    ratio: float


def summarise_stages(samples: AnswerSamples) -> tuple[SeriesSummary, ...]:
    """Summarise every stage that happened, in their order."""
    found = ((stage, samples.values(stage)) for stage in STAGES)
    return tuple(_summarise(stage, values) for stage, values in found if values.any())


def summarise_queries(samples: AnswerSamples) -> SeriesSummary:
    """Summarise the latencies of whole queries, waiting included."""
    return _summarise("query", samples.query_latencies_ns())


def _summarise(name: str, values: NDArray[np.int64]) -> SeriesSummary:
    return SeriesSummary(
        name=name,
        samples=int(values.size),
        least_ns=int(values.min()),
        most_ns=int(values.max()),
        percentiles=carried_percentiles(values),
    )


def answers_per_second(samples: AnswerSamples) -> float:
    """Throughput: answers by the time from the first issue to the last answer."""
    ended = samples.values("started") + samples.values("call")
    return samples.taken / (int(ended.max() - samples.values("issued").min()) / 1e9)


def arrivals_per_second(samples: AnswerSamples) -> float:
    """Rate at which queries of one input each arrived; 0 for a single one, inf for all at once."""
    issued = samples.values("issued")
    gaps = (issued.size - 1) * samples.kept_every
    elapsed_ns = int(issued[-1] - issued[0])
    if not gaps:
        return 0.0
    return gaps / (elapsed_ns / 1e9) if elapsed_ns > 0 else math.inf


def share_over_bound(latencies: NDArray[Any], bound_ns: int) -> float:
    """Share of the queries that took longer than a bound."""
    return float(np.mean(latencies > bound_ns))


def sustained_latency(measurement: Measurement) -> Sustained | None:
    """What latency becomes under load that goes on; None where that was not measured.

    The first half of the sustained phase lets the machine heat up and is not counted.
    """
    timed = measurement.phases.get("timed")
    sustained = measurement.phases.get("sustained")
    if timed is None or sustained is None or sustained.count < 2:  # noqa: PLR2004 - two halves
        return None
    started = sustained.values("started")
    middle = int(started[0]) + int(started[-1] - started[0]) // 2
    calls = sustained.values("call")[started >= middle]
    return Sustained(
        after_s=(middle - int(timed.values("issued")[0])) / 1e9,
        summary=_summarise("call", calls),
        ratio=float(np.median(calls) / np.median(timed.values("call"))),
    )
