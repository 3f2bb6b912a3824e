"""Warm-up and repeats: raw nanoseconds by stage, every answer checked."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Literal, Protocol

from edge.results import LatencyNs, Result

__all__ = [
    "STAGES",
    "AnswersPicture",
    "Picture",
    "WarmSamples",
    "WarmUpRule",
    "WarmUpState",
    "measure_warm",
]

STAGES = (*(field.name for field in fields(LatencyNs)), "call")
"""Stages as the runtime times them, and `call`: the whole call, timed from outside."""

WarmUpState = Literal["running", "settled", "unsettled"]


class AnswersPicture(Protocol):
    """What is measured: a loaded model."""

    def run(self, source: bytes, /) -> Result:
        """Answer for the bytes of one picture."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A real input.

    Attributes:
        name: file name, for the record.
        data: encoded bytes.
        sha256: of `data`, in hex.
    """

    name: str
    data: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class WarmUpRule:
    """When a model counts as warm.

    It is warm once it has given `answers_min` answers over `time_min_ns`, and the median of the
    latest `window` calls differs from that of the `window` before by at most `tolerance`. One
    that never is within `answers_max` answers and `time_max_ns` goes on unsettled, and the
    verdict says so.
    """

    answers_min: int = 10
    time_min_ns: int = 500_000_000
    window: int = 5
    tolerance: float = 0.1
    answers_max: int = 500
    time_max_ns: int = 20_000_000_000

    def state(self, calls_ns: Sequence[int]) -> WarmUpState:
        """Judge the calls so far, each in nanoseconds, in their order."""
        spent_ns = sum(calls_ns)
        if len(calls_ns) >= max(self.answers_min, 2 * self.window) and spent_ns >= self.time_min_ns:
            latest = statistics.median(calls_ns[-self.window :])
            before = statistics.median(calls_ns[-2 * self.window : -self.window])
            if abs(latest - before) <= self.tolerance * before:
                return "settled"
            if len(calls_ns) >= self.answers_max or spent_ns >= self.time_max_ns:
                return "unsettled"
        return "running"


@dataclass(frozen=True, slots=True)
class WarmSamples:
    """What was measured after the warm-up, and how the warm-up went.

    Attributes:
        warm_up_calls_ns: every call of the warm-up.
        is_settled: whether the warm-up ended by its rule.
        stages_ns: one entry a stage in `STAGES`, one sample an answer, in their order.
        pictures: index of each answer's picture.
        wrong_answers: answers that were not those of `measure_warm`'s `expected`.
    """

    warm_up_calls_ns: tuple[int, ...]
    is_settled: bool
    stages_ns: dict[str, tuple[int, ...]]
    pictures: tuple[int, ...]
    wrong_answers: int


def measure_warm(
    model: AnswersPicture,
    pictures: Sequence[Picture],
    *,
    duration_ns: int,
    is_expected: Callable[[int, Result], bool],
    rule: WarmUpRule | None = None,
) -> WarmSamples:
    """Answer for the pictures in turn, first until the model is warm and then for a time.

    Args:
        model: loaded.
        pictures: at least one.
        duration_ns: how long to measure after the warm-up; at least one answer is taken.
        is_expected: whether an answer for the picture of that index is right; its time is in
            no sample.
        rule: when the model counts as warm.
    """
    rule = rule or WarmUpRule()
    warm_up: list[int] = []
    while (state := rule.state(warm_up)) == "running":
        _, call_ns = _timed_call(model, pictures[len(warm_up) % len(pictures)])
        warm_up.append(call_ns)
    columns: dict[str, list[int]] = {stage: [] for stage in STAGES}
    chosen: list[int] = []
    wrong = 0
    end = time.perf_counter_ns() + duration_ns
    while not chosen or time.perf_counter_ns() < end:
        index = len(chosen) % len(pictures)
        result, call_ns = _timed_call(model, pictures[index])
        for stage in STAGES[:-1]:
            columns[stage].append(getattr(result.latency_ns, stage))
        columns["call"].append(call_ns)
        chosen.append(index)
        wrong += not is_expected(index, result)
    return WarmSamples(
        warm_up_calls_ns=tuple(warm_up),
        is_settled=state == "settled",
        stages_ns={stage: tuple(samples) for stage, samples in columns.items()},
        pictures=tuple(chosen),
        wrong_answers=wrong,
    )


def _timed_call(model: AnswersPicture, picture: Picture) -> tuple[Result, int]:
    start = time.perf_counter_ns()
    result = model.run(picture.data)
    return result, time.perf_counter_ns() - start
