"""What the samples say, and whether they may be believed. Arithmetic only."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.environment import Machine, MachineState, others_share
from benchmarks.measure import STAGES, WarmSamples
from benchmarks.record import GoldenReplay, Verdict
from edge.latency_summary import Percentile, percentile, samples_needed

__all__ = ["QUANTILES", "StageSummary", "judge", "summarise_stages"]

QUANTILES = (0.5, 0.9, 0.99)

MOST_OTHERS_SHARE = 0.05
MOST_CLOCK_CHANGE = 0.05
MOST_DRIFT = 0.10

_THROTTLED_NOW = 0xF


@dataclass(frozen=True, slots=True)
class StageSummary:
    """One stage over all answers.

    Attributes:
        stage: one of `benchmarks.measure.STAGES`.
        samples: how many.
        least_ns: the fastest.
        most_ns: the slowest.
        percentiles: those that the samples can carry.
    """

    stage: str
    samples: int
    least_ns: int
    most_ns: int
    percentiles: tuple[Percentile, ...]


def summarise_stages(warm: WarmSamples) -> tuple[StageSummary, ...]:
    """Summarise every stage that happened, in their order."""
    return tuple(
        _summarise(stage, samples)
        for stage in STAGES
        if any(samples := warm.stages_ns.get(stage, ()))
    )


def _summarise(stage: str, samples: Sequence[int]) -> StageSummary:
    found = (percentile(samples, quantile) for quantile in QUANTILES)
    return StageSummary(
        stage=stage,
        samples=len(samples),
        least_ns=min(samples),
        most_ns=max(samples),
        percentiles=tuple(each for each in found if each is not None),
    )


def judge(
    warm: WarmSamples,
    golden: GoldenReplay,
    *,
    machine: Machine,
    before: MachineState,
    after: MachineState,
) -> Verdict:
    """Say whether the figures may be quoted.

    Invalid: emulation; wrong answers; too few samples for a median with its interval; a warm-up
    that never settled; a latency that drifted by more than `MOST_DRIFT` from the first to the
    last third; others that took more than `MOST_OTHERS_SHARE` of the processors; clocks that
    changed by more than `MOST_CLOCK_CHANGE`; throttling.

    Args:
        warm: the samples.
        golden: the replay of the golden inputs.
        machine: where it ran.
        before: the state when the samples began.
        after: the state when they ended.
    """
    reasons = [
        *_answer_faults(warm, golden),
        *_sample_faults(warm),
        *_machine_faults(machine, before, after),
    ]
    return Verdict(not reasons, tuple(reasons), tuple(_notes(warm, golden, before)))


def _answer_faults(warm: WarmSamples, golden: GoldenReplay) -> list[str]:
    faults = []
    if warm.wrong_answers:
        faults.append(f"{warm.wrong_answers} answers changed while they were timed")
    if golden.inputs and not golden.same_tensors:
        faults.append("preprocessing made another tensor than in the lab")
    steps = max(golden.steps_before, golden.steps_after)
    if golden.inputs and not steps <= golden.tolerance_steps:
        faults.append(
            f"golden answers are {steps:g} output steps from the lab's, "
            f"{golden.tolerance_steps} are allowed"
        )
    return faults


def _sample_faults(warm: WarmSamples) -> list[str]:
    calls = warm.stages_ns["call"]
    faults = []
    if not warm.is_settled:
        faults.append(f"latency had not settled after {len(warm.warm_up_calls_ns)} warm-up calls")
    if len(calls) < samples_needed(0.5):
        faults.append(
            f"too few samples: {len(calls)}, a median needs {samples_needed(0.5)}; raise --duration"
        )
        return faults
    drift = _drift(warm)
    if abs(drift) > MOST_DRIFT:
        faults.append(f"latency drifted by {drift:+.0%} from the first to the last third")
    return faults


def _drift(warm: WarmSamples) -> float:
    """Relative change of the median call between thirds, each picture against itself."""
    by_picture: dict[int, list[int]] = {}
    for picture, call in zip(warm.pictures, warm.stages_ns["call"], strict=True):
        by_picture.setdefault(picture, []).append(call)
    medians = {picture: statistics.median(calls) for picture, calls in by_picture.items()}
    relative = [
        call / medians[picture]
        for picture, call in zip(warm.pictures, warm.stages_ns["call"], strict=True)
    ]
    third = max(1, len(relative) // 3)
    return statistics.median(relative[-third:]) / statistics.median(relative[:third]) - 1.0


def _machine_faults(machine: Machine, before: MachineState, after: MachineState) -> list[str]:
    faults = []
    if machine.is_emulated:
        faults.append(f"{machine.architecture} is emulated here: no time on it is a latency")
    share = others_share(before, after, machine.processors)
    if share is not None and share > MOST_OTHERS_SHARE:
        faults.append(f"other programs took {share:.0%} of the processors")
    faults += _clock_faults(before, after)
    if after.throttle_bits is not None and after.throttle_bits & _THROTTLED_NOW:
        faults.append(f"the board was throttled or under voltage (0x{after.throttle_bits:x})")
    elif _changed(before.throttle_bits, after.throttle_bits):
        faults.append(f"the board throttled or lost voltage meanwhile (0x{after.throttle_bits:x})")
    if _changed(before.throttle_events, after.throttle_events):
        faults.append("processors were throttled meanwhile")
    return faults


def _clock_faults(before: MachineState, after: MachineState) -> list[str]:
    if before.governors != after.governors:
        return [f"the governor changed from {before.governors} to {after.governors}"]
    pairs = list(zip(before.clocks_mhz, after.clocks_mhz, strict=False))
    # Cores that nothing runs on rest as they please: the fastest is the one that worked.
    if not pairs:
        return []
    first, last = max(before.clocks_mhz), max(after.clocks_mhz)
    if first and abs(last - first) > MOST_CLOCK_CHANGE * first:
        return [f"the clock changed from {first} to {last} MHz"]
    return []


def _changed(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and before != after


def _notes(warm: WarmSamples, golden: GoldenReplay, before: MachineState) -> list[str]:
    notes = []
    calls = len(warm.stages_ns["call"])
    missing = [quantile for quantile in QUANTILES if calls < samples_needed(quantile)]
    if missing and calls >= samples_needed(0.5):
        wanted = ", ".join(f"p{100 * each:g} needs {samples_needed(each)}" for each in missing)
        notes.append(f"{calls} samples do not carry every percentile: {wanted}")
    if not golden.inputs:
        notes.append("the model carries no golden inputs: answers were held only to themselves")
    if not before.governors:
        notes.append("governor and clocks cannot be read on this machine")
    elif set(before.governors) != {"performance"}:
        notes.append(f"governor is {', '.join(sorted(set(before.governors)))}, not performance")
    if not before.temperatures_c:
        notes.append("no temperature can be read on this machine")
    if before.busy_s is None:
        notes.append("whether other programs ran cannot be seen on this machine")
    return notes
