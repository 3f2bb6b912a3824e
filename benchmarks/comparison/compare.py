"""How many times the latency of one subject is that of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.comparison.conditions import CONDITIONS, differences, version_changes
from benchmarks.records.measurement import Measurement
from benchmarks.records.record import BenchmarkRecord
from benchmarks.statistics.autocorrelation import effective_count, rank_autocorrelation
from benchmarks.statistics.bootstrap import Interval, block_ratio_of_quantiles
from benchmarks.statistics.rank_test import RankTest, rank_test
from edge.errors import InputError, UsageError
from edge.latency_summary import is_carried

__all__ = [
    "QUANTILES",
    "Comparison",
    "NamedMeasurement",
    "QuantileRatio",
    "choose_pairs",
    "compare_pair",
    "is_slower",
    "unmatched",
]

QUANTILES = (0.5, 0.9, 0.99)

_Latencies: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NamedMeasurement:
    """A measurement with the record that it stands in.

    Attributes:
        source: name of the record's file.
        record: the record.
        measurement: one of its own.
    """

    source: str
    record: BenchmarkRecord
    measurement: Measurement

    @property
    def title(self) -> str:
        """The subject in words."""
        subject = self.measurement.subject
        threads = f"{subject.threads} thread{'s' if subject.threads > 1 else ''}"
        return f"{self.source}: {subject.name} {subject.precision} {subject.engine} {threads}"


@dataclass(frozen=True, slots=True)
class QuantileRatio:
    """How many times the second's quantile is the first's.

    Attributes:
        quantile: 0.5 for the median.
        first_ms: the first's.
        second_ms: the second's.
        ratio: with its 95 % interval.
    """

    quantile: float
    first_ms: float
    second_ms: float
    ratio: Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two subjects side by side.

    Attributes:
        first: title of the one that is the measure.
        second: title of the one that is held to it.
        counted: what the latencies are of: "queries", or "answers" where each record has too few
            queries, as in the offline scenario, which is one.
        ratios: those that the samples of both carry.
        ranks: of the two series; its probability counts samples that resemble their neighbours
            only as far as they are news.
        changes: what differs and is meant to.
        allowed: conditions that differ and were allowed to.
    """

    first: str
    second: str
    counted: Literal["queries", "answers"]
    ratios: tuple[QuantileRatio, ...]
    ranks: RankTest
    changes: tuple[str, ...]
    allowed: tuple[str, ...]


def choose_pairs(
    first: Sequence[NamedMeasurement], second: Sequence[NamedMeasurement]
) -> tuple[tuple[NamedMeasurement, NamedMeasurement], ...]:
    """Which of the second record is held to which of the first.

    One each is a pair whatever it is; of several, those of the same model, engine, precision
    and threads are.

    Raises:
        UsageError: nothing matches.
    """
    if len(first) == len(second) == 1:
        return ((first[0], second[0]),)
    found = {_key(each): each for each in first}
    pairs = tuple((found[_key(each)], each) for each in second if _key(each) in found)
    if not pairs:
        raise UsageError(
            f"nothing in {second[0].source} has the model, engine, precision and threads of "
            f"anything in {first[0].source}; measure like subjects, or one in each record"
        )
    return pairs


def unmatched(
    first: Sequence[NamedMeasurement],
    second: Sequence[NamedMeasurement],
    pairs: Sequence[tuple[NamedMeasurement, NamedMeasurement]],
) -> tuple[str, ...]:
    """Titles of what stands in one of two records and is in no pair."""
    paired = {id(each) for pair in pairs for each in pair}
    return tuple(each.title for each in (*first, *second) if id(each) not in paired)


def _key(named: NamedMeasurement) -> tuple[str, str, str, int]:
    subject = named.measurement.subject
    return subject.name, subject.engine, subject.precision, subject.threads


def compare_pair(
    first: NamedMeasurement,
    second: NamedMeasurement,
    *,
    allow: Sequence[str] = (),
    seed: int = 1,
) -> Comparison:
    """Compare the latencies of two subjects.

    In a scenario whose queries wait for each other, latency counts from a query's issue.

    Args:
        first: the measure.
        second: what is held to it.
        allow: conditions that may differ.
        seed: of the resampling.

    Raises:
        UsageError: `allow` names no condition.
        InputError: other conditions differ, or one was never timed.
    """
    unknown = [each for each in allow if each not in CONDITIONS]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no condition; allow one of {', '.join(CONDITIONS)}")
    ours, theirs = (first.record, first.measurement), (second.record, second.measurement)
    unlike = differences(ours, theirs)
    refused = [each for each in unlike if each.condition not in allow]
    if refused:
        raise InputError(
            f"{first.source} and {second.source} were not measured alike: "
            f"{'; '.join(map(str, refused))}; measure again under like conditions, or say "
            f"{' '.join(f'--allow {each.condition}' for each in refused)}"
        )
    counted, samples = _latencies(first, second)
    count = min(each.size for each in samples)
    return Comparison(
        first=first.title,
        second=second.title,
        counted=counted,
        ratios=tuple(
            _quantile_ratio(samples, quantile, seed)
            for quantile in QUANTILES
            if is_carried(count, quantile)
        ),
        ranks=_ranks(*samples),
        changes=version_changes(ours, theirs),
        allowed=tuple(str(each) for each in unlike),
    )


def is_slower(comparison: Comparison, limit: float) -> bool:
    """Whether the median's ratio is above a limit, and surely above 1.

    The interval keeps a noisy run from failing a change that slowed nothing. Where there is no
    ratio nothing was shown, and that is no pass either.
    """
    median = next((each for each in comparison.ratios if each.quantile == QUANTILES[0]), None)
    return median is None or (median.ratio.value > limit and median.ratio.low > 1.0)


def _latencies(
    *both: NamedMeasurement,
) -> tuple[Literal["queries", "answers"], list[_Latencies]]:
    timed = []
    for named in both:
        samples = named.measurement.phases.get("timed")
        if samples is None or not samples.count:
            raise InputError(f"{named.title} was never timed; measure it again")
        timed.append(samples)
    queries = [each.query_latencies_ns() for each in timed]
    if all(is_carried(each.size, QUANTILES[0]) for each in queries):
        return "queries", queries
    return "answers", [each.values("call") for each in timed]


def _ranks(first: _Latencies, second: _Latencies) -> RankTest:
    """Superiority over all samples; probability over as many as are independent of each other."""
    independent = rank_test(_spread(first), _spread(second))
    return RankTest(rank_test(first, second).superiority, independent.probability)


def _spread(series: _Latencies) -> _Latencies:
    count = effective_count(series.size, rank_autocorrelation(series))
    return series[:: max(1, series.size // count)]


def _quantile_ratio(samples: Sequence[_Latencies], quantile: float, seed: int) -> QuantileRatio:
    first, second = samples
    found = block_ratio_of_quantiles(first, second, quantile, seed=seed)
    own = [float(np.quantile(each, quantile, method="inverted_cdf")) / 1e6 for each in samples]
    return QuantileRatio(quantile, own[0], own[1], found)
