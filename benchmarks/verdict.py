"""Whether the figures of a measurement may be quoted, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from benchmarks.environment import Machine
from benchmarks.machine_faults import find_machine_faults
from benchmarks.records.measurement import AnswerSamples, Measurement, TruthCheck, Verdict
from benchmarks.records.record import BoardLimits, RunSettings
from benchmarks.statistics.autocorrelation import effective_count, rank_autocorrelation
from benchmarks.statistics.change_point import find_change_points
from benchmarks.statistics.drift import relative_drift
from benchmarks.statistics.quantile_interval import QUANTILES
from benchmarks.statistics.relative_series import relative_to_inputs
from benchmarks.summary import share_over_bound, sustained_latency
from edge.latency_summary import is_carried, samples_needed

__all__ = ["LEAST_STEP", "MOST_DRIFT", "judge"]

MOST_DRIFT: Final = 0.10
LEAST_STEP: Final = 0.05
_MOST_OVER_BOUND = 0.01
_REMEMBERED = 0.75
_SURE = 0.01
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
    to the last third, or stepped by more than `LEAST_STEP` for good or for a while; a server
    whose queries are over their bound in more than 1 % of cases; and all that
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
        reasons += _sample_faults(timed)
        reasons += _bound_faults(timed, settings)
    reasons += find_machine_faults(
        measurement, machine=machine, limits=limits, governor=settings.governor
    )
    return Verdict(not reasons, tuple(reasons), tuple(_notes(measurement, settings)))


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


def _sample_faults(timed: AnswerSamples) -> Iterator[str]:
    needed = samples_needed(0.5)
    if timed.count < needed:
        yield f"too few samples: {timed.count}, a median needs {needed}; raise --min-duration"
        return
    relative = relative_to_inputs(timed.values("call"), timed.values("input"))
    drift = relative_drift(relative)
    if abs(drift) > MOST_DRIFT:
        yield f"latency drifted by {drift:+.0%} from the first to the last third"
    started = timed.values("started")
    changes = find_change_points(relative, least_step=LEAST_STEP)
    if changes:
        largest = max(changes, key=lambda each: abs(each.size))
        after_s = (started[largest.index] - started[0]) / 1e9
        more = f" (and {len(changes) - 1} more times)" if len(changes) > 1 else ""
        yield f"latency stepped by {largest.size:+.0%} after {after_s:.1f} s{more}"


def _bound_faults(timed: AnswerSamples, settings: RunSettings) -> Iterator[str]:
    if settings.latency_bound_ns is None:
        return
    share = share_over_bound(timed.query_latencies_ns(), settings.latency_bound_ns)
    if share > _MOST_OVER_BOUND:
        yield (
            f"{share:.1%} of the queries took longer than the bound of "
            f"{settings.latency_bound_ns / 1e6:g} ms, 1 % may"
        )


def _notes(measurement: Measurement, settings: RunSettings) -> Iterator[str]:
    if measurement.inputs.kind == "random":
        yield "inputs are random numbers: the engine alone was timed, and no answer means anything"
    truth = measurement.truth
    if truth is not None and not truth.golden_inputs and measurement.inputs.kind != "random":
        yield "the model carries no golden inputs: answers were held only to themselves"
    if truth is not None and truth.repeated is None:
        yield "whether answers are remembered was not tested: it takes two inputs, and time"
    yield from _sample_notes(measurement, settings)
    yield from _machine_notes(measurement)


def _sample_notes(measurement: Measurement, settings: RunSettings) -> Iterator[str]:
    timed = measurement.phases.get("timed")
    if timed is None:
        return
    missing = [each for each in QUANTILES if not is_carried(timed.count, each)]
    if missing and timed.count >= samples_needed(0.5):
        wanted = ", ".join(f"p{100 * each:g} needs {samples_needed(each)}" for each in missing)
        yield f"{timed.count} samples do not carry every percentile: {wanted}"
    relative = relative_to_inputs(timed.values("call"), timed.values("input"))
    resemblance = rank_autocorrelation(relative)
    if resemblance > _MOST_RESEMBLANCE:
        yield (
            f"answers resemble their neighbours (rank correlation {resemblance:.2f}): intervals "
            f"are too narrow, as if {effective_count(timed.count, resemblance)} independent "
            f"answers were {timed.count}"
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


def _machine_notes(measurement: Measurement) -> Iterator[str]:
    before = measurement.before
    if before is None:
        return
    if not before.governors:
        yield "governor and clocks cannot be read on this machine"
    elif set(before.governors) != {"performance"}:
        yield f"governor is {', '.join(sorted(set(before.governors)))}, not performance"
    if not before.temperatures_c:
        yield "no temperature can be read on this machine"
    if before.busy_s is None:
        yield "whether other programs ran cannot be seen on this machine"
    if before.is_on_battery:
        yield "the machine ran on its battery"
