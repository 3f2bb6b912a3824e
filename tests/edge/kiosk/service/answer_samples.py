"""Answers as a worker gives them."""

from __future__ import annotations

import time

from edge.kiosk.messages import Answer, LabelScore, Latency, ModelName, Output
from edge.kiosk.worker.wire import Answered

__all__ = ["MODEL", "answer", "answered"]

MODEL = ModelName("sample", "1.0", "0" * 64)
_OUTPUTS = (Output("brightness", "multilabel", (LabelScore("bright", 0.5),), ("bright",)),)


def answered(
    *, status: str = "ok", gate: str = "", source: str = "camera:0", index: int = 0
) -> Answered:
    """What a worker says."""
    return Answered(
        source=source,
        index=index,
        status=status,  # type: ignore[arg-type]
        gate=gate,
        error_code="",
        reason=None if status == "ok" else f"it is {gate}",
        model=MODEL,
        engine="onnxruntime",
        precision="int8",
        outputs=_OUTPUTS if status == "ok" else (),
        latency_ns=Latency(infer=10_000_000),
        capture_time_ns=time.time_ns(),
        capture_monotonic_ns=time.monotonic_ns(),
        input_digest="1" * 64,
    )


def answer(*, status: str = "ok", gate: str = "", infer_ns: int = 10_000_000) -> Answer:
    """What is told of it."""
    return Answer(
        sequence=1,
        entry_digest="2" * 64,
        source="camera:0",
        index=0,
        status=status,  # type: ignore[arg-type]
        gate=gate,
        reason=None if status == "ok" else f"it is {gate}",
        model=MODEL,
        engine="onnxruntime",
        precision="int8",
        outputs=_OUTPUTS if status == "ok" else (),
        latency_ns=Latency(infer=infer_ns),
        capture_time_ns=0,
        capture_to_answer_ns=0,
        input_digest="1" * 64,
    )
