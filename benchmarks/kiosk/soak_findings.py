"""What a soak showed: wrong answers, silent faults, restarts, memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.kiosk.lab_answers import LabAnswers
from benchmarks.kiosk.soak_faults import CameraFault, ServiceFault
from benchmarks.kiosk.soak_watch import Footprint, Shown, SoakWatch
from benchmarks.statistics.bootstrap import Interval
from benchmarks.statistics.trend import theil_sen

__all__ = ["SoakFindings", "examine_soak"]

_TOLD_WITHIN_S = 25.0
"""After its end a fault must have been told: a worker is given 10 s to say a word."""

_SETTLE_S = 300.0
_TREND_PARTS = 30
_S_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class SoakFindings:
    """What a soak showed.

    Attributes:
        answers: entries with a result.
        wrong: descriptions of wrong or forbidden answers; empty where all is well.
        refused: entries without a result, by gate.
        shown: looks at `/v1/latest`, by state.
        unseen: faults that no event told.
        faults: how many there were, by kind.
        back_s: seconds from the end of each loss of the camera until the next answer was shown.
        service_slope: MiB an hour of the service's anonymous memory, after five minutes.
        worker_slope: the same of the worker that lived longest.
        most_mib: largest proportional set size of both together.
        failures: requests without an answer.
    """

    answers: int
    wrong: list[str]
    refused: dict[str, int]
    shown: dict[str, int]
    unseen: list[str]
    faults: dict[str, int]
    back_s: list[float]
    service_slope: Interval
    worker_slope: Interval
    most_mib: float
    failures: list[str]


def examine_soak(
    watch: SoakWatch,
    entries: Iterable[dict[str, Any]],
    lab: LabAnswers,
    camera: list[CameraFault],
    service: list[ServiceFault],
) -> SoakFindings:
    """Hold what was seen against what the lab says and what was done to the kiosk."""
    answers, refused, wrong = 0, Counter[str](), []
    for entry in entries:
        if entry.get("status") == "ok":
            answers += 1
            if not lab.is_right(entry["input_digest"], entry["outputs"]):
                wrong.append(f"journal: entry {entry['sequence']} is not the lab's answer")
        elif entry.get("status"):
            refused[entry["gate"]] += 1
    wrong += _wrongly_shown(watch.shown, lab, camera)
    return SoakFindings(
        answers=answers,
        wrong=wrong,
        refused=dict(refused),
        shown=dict(Counter(each.state for each in watch.shown)),
        unseen=_unseen(watch.events, camera, service),
        faults=dict(Counter([e.kind for e in camera] + [e.kind for e in service])),
        back_s=_times_to_come_back(watch.shown, camera),
        service_slope=_slope([(e.at_s, e.service_anonymous_mib) for e in watch.footprints]),
        worker_slope=_slope(_longest_life(watch.footprints)),
        most_mib=max(each.service_mib + each.worker_mib for each in watch.footprints),
        failures=watch.failures,
    )


def _wrongly_shown(shown: list[Shown], lab: LabAnswers, camera: list[CameraFault]) -> list[str]:
    wrong = []
    for look in shown:
        if look.state != "answered":
            continue
        if not lab.is_right(look.digest, look.outputs):
            wrong.append(f"{look.at_s:.1f} s: shown and not the lab's: {look.outputs}")
        wrong += [
            f"{look.at_s:.1f} s: an answer of {look.age_ms} ms was shown "
            f"{look.at_s - fault.at_s:.1f} s into {fault.kind}"
            for fault in camera
            if fault.at_s + fault.quiet_after_s < look.at_s < fault.at_s + fault.for_s - 0.1
        ]
    return wrong


def _unseen(
    events: list[dict[str, Any]], camera: list[CameraFault], service: list[ServiceFault]
) -> list[str]:
    times: dict[str, list[float]] = {}
    for event in events:
        times.setdefault(event["code"], []).append(event["at_s"])
    wanted: list[tuple[str, float, float, tuple[str, ...]]]
    wanted = [(each.kind, each.at_s, each.for_s, (each.code,)) for each in camera]
    wanted += [(each.kind, each.at_s, each.for_s, each.codes) for each in service]
    return [
        f"{kind} at {at_s:.0f} s: no {code}"
        for kind, at_s, for_s, codes in wanted
        for code in codes
        if not any(
            at_s - 0.5 <= told_s <= at_s + for_s + _TOLD_WITHIN_S for told_s in times.get(code, ())
        )
    ]


def _times_to_come_back(shown: list[Shown], camera: list[CameraFault]) -> list[float]:
    answered = np.array([each.at_s for each in shown if each.state == "answered"])
    found = []
    for fault in camera:
        if fault.kind == "lost":
            end_s = fault.at_s + fault.for_s
            after = answered[answered > end_s]
            if after.size:
                found.append(float(after[0] - end_s))
    return found


def _longest_life(footprints: list[Footprint]) -> list[tuple[float, float]]:
    counts = Counter(each.worker_pid for each in footprints if each.worker_mib)
    pid = counts.most_common(1)[0][0]
    return [(each.at_s, each.worker_anonymous_mib) for each in footprints if each.worker_pid == pid]


def _slope(readings: list[tuple[float, float]]) -> Interval:
    """MiB an hour, after the first five minutes of these readings."""
    times, values = (np.array(column) for column in zip(*readings, strict=True))
    settled = times >= min(times[0] + _SETTLE_S, times[times.size // 2])
    times, values = times[settled], values[settled]
    # Few points: readings of one minute resemble each other, and Sen's interval takes them as
    # news each.
    parts = min(_TREND_PARTS, times.size)
    hours = np.array([np.median(part) for part in np.array_split(times, parts)]) / _S_PER_HOUR
    return theil_sen(hours, np.array([np.median(part) for part in np.array_split(values, parts)]))
