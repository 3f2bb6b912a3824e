"""The latencies that a scenario's figures speak of: of answers, or of whole queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.records.measurement import AnswerSamples
from benchmarks.records.record import ScenarioName
from benchmarks.statistics.relative_series import relative_to_inputs

__all__ = ["QuotedSeries", "quoted_series"]


@dataclass(frozen=True, slots=True)
class QuotedSeries:
    """What is quoted, in its order.

    Attributes:
        of: what each latency is of. Of queries in the server and multi-stream scenarios, waiting
            included; of answers elsewhere, where a query is one answer, or everything.
        latencies: nanoseconds, int64 of shape (n,).
        relative: each against what its inputs usually take, float64 of shape (n,), around 1 where
            nothing waits: a large picture is no change in time.
        started: when each began, in nanoseconds since the measurement's `origin_ns`.
    """

    of: Literal["answers", "queries"]
    latencies: NDArray[np.int64]
    relative: NDArray[np.float64]
    started: NDArray[np.int64]


def quoted_series(timed: AnswerSamples, scenario: ScenarioName) -> QuotedSeries:
    """Take from the timed phase what is quoted.

    Args:
        timed: at least one answer.
        scenario: in which they were given.
    """
    calls, inputs = timed.values("call"), timed.values("input")
    relative = relative_to_inputs(calls, inputs)
    if scenario not in ("multi-stream", "server"):
        return QuotedSeries("answers", calls, relative, timed.values("started"))
    _, first, queries = np.unique(timed.values("query"), return_index=True, return_inverse=True)
    usual = np.bincount(queries, weights=calls / relative)
    latencies = timed.query_latencies_ns()
    return QuotedSeries("queries", latencies, latencies / usual, timed.values("issued")[first])
