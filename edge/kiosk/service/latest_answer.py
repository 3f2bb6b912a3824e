"""What may be shown now. Whatever is not certain is no result, and says why."""

from __future__ import annotations

from dataclasses import dataclass

from edge.kiosk.messages import Answer, Latest

__all__ = ["Situation", "decide_latest"]

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_LEAST_LIMIT_S = 2.0
_INFERENCES_PER_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what may be shown.

    Attributes:
        is_worker_ready: whether the worker has shown that it answers as the lab does.
        worker_reason: why it does not, in one line.
        is_updating: whether it is away because the model is being changed.
        source: state of the source, as `SourceHealth.state`.
        source_reason: why it is lost or ended, in one line.
        journal_reason: why the journal cannot be written; "" where it can.
        answer: the newest answer of the source since it was last opened; None without one.
        captured_ns: monotonic time when its frame was captured.
        published_ns: monotonic time when it was in the journal.
        limit_s: how old an answer may be; None for the rule of `ServiceSettings`, infinity for
            any age.
    """

    is_worker_ready: bool
    worker_reason: str
    is_updating: bool
    source: str
    source_reason: str
    journal_reason: str
    answer: Answer | None
    captured_ns: int
    published_ns: int
    limit_s: float | None


def decide_latest(now: Situation, now_ns: int) -> Latest:
    """Say what may be shown.

    Args:
        now: how things stand.
        now_ns: time.monotonic_ns().

    Returns:
        "answered" only where the worker, the source and the journal are in order and the newest
        answer is ok and not older than the limit.
    """
    answer = now.answer
    if not now.is_worker_ready:
        gate = "update" if now.is_updating else "worker"
        return _no_result(gate, now.worker_reason)
    if now.source in ("lost", "ended"):
        return _no_result("source", now.source_reason)
    if now.journal_reason:
        return _no_result("journal", now.journal_reason)
    if answer is None or now.source != "open":
        return Latest(state="waiting", gate="", reason=None, age_ms=None, answer=None)
    is_ok = answer.status == "ok"
    # That a frame was refused is news of now, however old the frame was.
    age_s = (now_ns - (now.captured_ns if is_ok else now.published_ns)) / _NS_PER_S
    if age_s > _limit_s(now.limit_s, answer):
        return _no_result("old", f"the newest answer is {age_s:.0f} s old")
    return Latest(
        state="answered" if is_ok else "no_result",
        gate=answer.gate,
        reason=answer.reason,
        age_ms=max(0, now_ns - now.captured_ns) // _NS_PER_MS,
        answer=answer,
    )


def _no_result(gate: str, reason: str) -> Latest:
    return Latest(state="no_result", gate=gate, reason=reason, age_ms=None, answer=None)


def _limit_s(limit_s: float | None, answer: Answer) -> float:
    """On a slow board the next answer takes as long as the inference does."""
    if limit_s is not None:
        return limit_s
    return _LEAST_LIMIT_S + _INFERENCES_PER_LIMIT * answer.latency_ns.infer / _NS_PER_S
