"""Whether the figures of a measurement may be quoted, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from benchmarks.environment import Machine
from benchmarks.machine_faults import find_machine_faults
from benchmarks.quoted_series import quoted_series
from benchmarks.records.measurement import AnswerSamples, Measurement, TruthCheck, Verdict
from benchmarks.records.record import BoardLimits, RunSettings
from benchmarks.statistics.autocorrelation import effective_count, rank_autocorrelation
from benchmarks.statistics.binomial import (
    chance_of_at_least,
    chance_of_at_most,
    trials_without_a_hit,
)
from benchmarks.statistics.change_point import find_change_points
from benchmarks.statistics.drift import relative_drift
from benchmarks.statistics.quantile_interval import QUANTILES
from benchmarks.statistics.relative_series import relative_to_inputs
from benchmarks.statistics.rising_trend import rising_probability
from benchmarks.summary import arrivals_per_second, sustained_latency
from benchmarks.throttle_signs import tells_throttling
from edge.latency_summary import is_carried, samples_needed

__all__ = ["LEAST_STEP", "MOST_DRIFT", "judge"]

MOST_DRIFT: Final = 0.10
LEAST_STEP: Final = 0.05
_MOST_OVER_BOUND = 0.01
_REMEMBERED = 0.75
_SURE = 0.01
_UNLIKELY = 0.05
_SUSTAINED_STEP = 0.05
_OWN_SHARE = 0.01
_MOST_RESEMBLANCE = 0.2


def judge(
    measurement: Measurement, *, settings: RunSettings, machine: Machine, limits: BoardLimits
) -> Verdict:
    """Say whether the figures may be quoted.

    Invalid: it did not come to its end; emulation; wrong answers, another tensor than the lab's,
    or answers that seem to be remembered; too few samples for a median with its interval; a
    warm-up that never settled; a latency that drifted by more than `MOST_DRIFT` from the first
    to the last third, or stepped by more than `LEAST_STEP` for good or for a while, of answers, or
    of multi-stream's queries; a server that ended early or whose queue only grew, whose queries
    are over their bound in more than 1 % of cases, or too few to say; and all that
    `benchmarks.machine_faults` finds.

    Args:
        measurement: its own verdict is not looked at.
        settings: how it was made.
        machine: where.
        limits: of that machine.
    """
    reasons = []
    if measurement.status != "complete":
        reasons.append(f"it {_ENDS[measurement.status]}: {measurement.failure}")
    if machine.is_emulated:
        reasons.append(f"{machine.architecture} is emulated here: no time on it is a latency")
    timed = measurement.phases.get("timed")
    if measurement.truth is not None:
        reasons += _truth_faults(measurement.truth)
    if measurement.is_settled is False:
        calls = measurement.phases["warm_up"].taken
        reasons.append(f"latency had not settled after {calls} warm-up calls")
    if timed is not None:
        reasons += _sample_faults(timed, settings)
        if settings.scenario == "server":
            reasons += _queue_faults(measurement, timed)
        reasons += _bound_faults(timed, settings)
    reasons += find_machine_faults(
        measurement, machine=machine, limits=limits, governor=settings.governor
    )
    return Verdict(
        not reasons, tuple(reasons), tuple(_notes(measurement, settings, machine, limits))
    )


_ENDS: Final = {"interrupted": "was interrupted", "failed": "failed"}


def _truth_faults(truth: TruthCheck) -> Iterator[str]:
    if truth.wrong_answers:
        yield (
            f"{truth.wrong_answers} of {truth.checked_answers + truth.checked_sustained} checked "
            "answers changed while they were timed"
        )
    if not truth.same_tensors:
        yield "preprocessing made another tensor than in the lab"
    steps = max(truth.steps_before, truth.steps_after)
    if truth.golden_inputs and not steps <= truth.tolerance_steps:
        yield (
            f"golden answers are {steps:g} output steps from the lab's, "
            f"{truth.tolerance_steps} are allowed"
        )
    repeated = truth.repeated
    if (
        repeated is not None
        and repeated.repeated_ns < _REMEMBERED * repeated.varied_ns
        and repeated.probability < _SURE
    ):
        yield (
            f"one input repeated takes {repeated.repeated_ns / repeated.varied_ns:.2f} of its "
            "time among others: something remembers answers"
        )


def _sample_faults(timed: AnswerSamples, settings: RunSettings) -> Iterator[str]:
    quoted = quoted_series(timed, settings.scenario)
    needed = samples_needed(0.5)
    if quoted.latencies.size < needed:
        yield (
            f"too few samples: {quoted.latencies.size} {quoted.of}, a median needs {needed}; raise "
            "--min-duration"
        )
        return
    # A server's queue comes and goes by chance: it is judged apart.
    relative = (
        relative_to_inputs(timed.values("call"), timed.values("input"))
        if settings.scenario == "server"
        else quoted.relative
    )
    drift = relative_drift(relative)
    if abs(drift) > MOST_DRIFT:
        yield f"latency drifted by {drift:+.0%} from the first to the last third"
    changes = find_change_points(relative, least_step=LEAST_STEP)
    if changes:
        largest = max(changes, key=lambda each: abs(each.size))
        after_s = (quoted.started[largest.index] - quoted.started[0]) / 1e9
        more = f" (and {len(changes) - 1} more times)" if len(changes) > 1 else ""
        yield f"latency stepped by {largest.size:+.0%} after {after_s:.1f} s{more}"


def _queue_faults(measurement: Measurement, timed: AnswerSamples) -> Iterator[str]:
    """A server's queue that only grows: its latencies are of how long one looked."""
    quoted = quoted_series(timed, "server")
    if measurement.is_rate_kept is False:
        lag_s = float(quoted.latencies.max()) / 1e9
        yield (
            f"the server could not keep the rate: ended early, {lag_s:.1f} s behind after "
            f"{timed.taken} queries; lower --rate"
        )
        return
    if timed.count < samples_needed(0.5):
        return
    load = float(np.mean(timed.values("call"))) / 1e9 * arrivals_per_second(timed)
    drift = relative_drift(quoted.relative)
    if load >= 1.0:
        yield (
            f"the server was overloaded: an answer took {load:.2f} of the time between two "
            "arrivals, and its queue grew; lower --rate"
        )
    elif drift > MOST_DRIFT and rising_probability(quoted.relative) < _SURE:
        yield (
            f"the server's queue grew: its queries took {drift:+.0%} from the first to the last "
            "third; lower --rate or raise --min-duration"
        )


def _bound_faults(timed: AnswerSamples, settings: RunSettings) -> Iterator[str]:
    """Kept or broken with 95 % confidence (Clopper and Pearson), or not to be told."""
    bound_ns = settings.latency_bound_ns
    if bound_ns is None:
        return
    latencies = timed.query_latencies_ns()
    queries, over = latencies.size, int((latencies > bound_ns).sum())
    if chance_of_at_least(over, queries, _MOST_OVER_BOUND) <= _UNLIKELY:
        yield (
            f"{over / queries:.1%} of the queries took longer than the bound of "
            f"{bound_ns / 1e6:g} ms, 1 % may"
        )
    elif chance_of_at_most(over, queries, _MOST_OVER_BOUND) > _UNLIKELY:
        needed = trials_without_a_hit(_MOST_OVER_BOUND, _UNLIKELY)
        yield (
            f"too few queries to tell whether the bound of {bound_ns / 1e6:g} ms is kept: {over} "
            f"of {queries} took longer, and it takes {needed} with none to say 99 % with 95 % "
            "confidence; raise --min-queries"
        )


def _notes(
    measurement: Measurement, settings: RunSettings, machine: Machine, limits: BoardLimits
) -> Iterator[str]:
    if measurement.inputs.kind == "random":
        yield "inputs are random numbers: the engine alone was timed, and no answer means anything"
    truth = measurement.truth
    if truth is not None and not truth.golden_inputs and measurement.inputs.kind != "random":
        yield "the model carries no golden inputs: answers were held only to themselves"
    if truth is not None and truth.repeated is None:
        yield "whether answers are remembered was not tested: it takes two inputs, and time"
    yield from _sample_notes(measurement, settings)
    if machine.is_virtual:
        yield "the machine is virtual: what its host does besides is not seen here"
    yield from _machine_notes(measurement, limits)


def _sample_notes(measurement: Measurement, settings: RunSettings) -> Iterator[str]:
    timed = measurement.phases.get("timed")
    if timed is None:
        return
    quoted = quoted_series(timed, settings.scenario)
    count = quoted.latencies.size
    missing = [each for each in QUANTILES if not is_carried(count, each)]
    if missing and count >= samples_needed(0.5):
        wanted = ", ".join(f"p{100 * each:g} needs {samples_needed(each)}" for each in missing)
        yield f"{count} {quoted.of} do not carry every percentile: {wanted}"
    resemblance = rank_autocorrelation(quoted.relative)
    if resemblance > _MOST_RESEMBLANCE:
        yield (
            f"{quoted.of} resemble their neighbours (rank correlation {resemblance:.2f}): "
            f"intervals are too narrow, as if {effective_count(count, resemblance)} independent "
            f"{quoted.of} were {count}"
        )
    sustained = sustained_latency(measurement)
    # Between a server's queries the processor rests and its caches cool: another load, not heat.
    is_full_load = settings.scenario != "server"
    if sustained is not None and is_full_load and abs(sustained.ratio - 1) > _SUSTAINED_STEP:
        yield f"sustained latency is {sustained.ratio:.2f} times the warm one: see edge-bench soak"
    own = measurement.own_cost
    median = float(np.median(timed.values("call")))
    if own is not None and own.loop_floor_ns > _OWN_SHARE * median:
        yield f"timing itself is {own.loop_floor_ns / median:.1%} of the median"


def _machine_notes(measurement: Measurement, limits: BoardLimits) -> Iterator[str]:
    before = measurement.before
    if before is None:
        return
    if not before.governors:
        yield "governor and clocks cannot be read on this machine"
    elif set(before.governors) != {"performance"}:
        yield f"governor is {', '.join(sorted(set(before.governors)))}, not performance"
    if not before.temperatures_c:
        yield "no temperature can be read on this machine"
    tells = (before.throttle_bits, before.throttle_events, before.has_undervoltage)
    if all(each is None for each in tells) and not tells_throttling(measurement.sensors):
        signals = f" ({limits.profile} tells it by {', '.join(limits.signals)})"
        yield "whether it was throttled cannot be seen on this machine" + (
            signals if limits.signals else ""
        )
    if before.busy_s is None:
        yield "whether other programs ran cannot be seen on this machine"
    if before.is_on_battery:
        yield "the machine ran on its battery"
