"""Nanoseconds by stage."""

from __future__ import annotations

import time
from typing import Literal

from edge.results import LatencyNs

__all__ = ["StageTimer"]

Stage = Literal["capture", "decode", "preprocess", "infer", "postprocess"]


class StageTimer:
    """Splits one pass through the pipeline into stages.

    Args:
        capture_ns: nanoseconds already spent on taking the frame.
        decode_ns: nanoseconds already spent on decoding it.
    """

    def __init__(self, *, capture_ns: int = 0, decode_ns: int = 0) -> None:
        self._stages: dict[str, int] = {"capture": capture_ns, "decode": decode_ns}
        self._spent_before = capture_ns + decode_ns
        self._start = self._last = time.perf_counter_ns()

    def end(self, stage: Stage) -> None:
        """Book everything since the last call to a stage."""
        now = time.perf_counter_ns()
        self._stages[stage] = self._stages.get(stage, 0) + now - self._last
        self._last = now

    def latency(self) -> LatencyNs:
        """The stages so far, and the total with what was spent before."""
        total = time.perf_counter_ns() - self._start + self._spent_before
        return LatencyNs(**self._stages, total=total)
