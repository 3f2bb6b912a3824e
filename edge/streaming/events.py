"""What a stream tells of itself beside its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["EventCode", "EventLevel", "SourceState", "StreamEvent", "StreamState"]

EventCode = Literal[
    "source_opening",
    "source_open",
    "source_lost",
    "source_retry",
    "source_back",
    "source_ended",
    "gate_closed",
    "gate_opened",
]
EventLevel = Literal["info", "warning", "error"]
SourceState = Literal["opening", "open", "lost", "ended"]


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something that happened to a stream.

    Attributes:
        code: "source_opening": it is opened for the first time; "source_open": its first frame
            came, or a watched folder was opened; "source_lost": it failed; "source_retry": so
            many attempts to open it anew have failed (told after 1, 2, 4, 8, ...); "source_back":
            it gave a frame again, or the folder is there again;
            "source_ended": it ended by itself; "gate_closed": a gate began to refuse frames;
            "gate_opened": it has let them pass again for a second.
        level: "warning" for what stops answers, "error" where nobody will try again, else "info".
        message: one line for a person.
        monotonic_ns: time.monotonic_ns() when it happened.
        detail: which gate it is about, as `Result.gate`; else "".
    """

    code: EventCode
    level: EventLevel
    message: str
    monotonic_ns: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StreamState:
    """How a stream is.

    Of the frames captured, each is in one of `answered`, `refused`, `errors` and `dropped`, or
    on its way: once the stream has ended or is closed, they add up to `captured`.

    Attributes:
        source: "opening": its first frame has not come yet, or the folder that is to be watched
            is not there yet; "open"; "lost": it failed, and is
            opened anew where that was asked for; "ended": nothing more comes.
        since_monotonic_ns: time.monotonic_ns() when that began.
        attempts: attempts to open it since it last gave a frame; 0 while it is open.
        captured: frames that the source has given or lost.
        dropped: frames that nobody answered: those that the source lost, that a newer one
            overtook, that the policy leaves out, and that were under way when it was closed.
        answered: answers with status "ok" that were taken.
        refused: by gate, answers with status "refused" that were taken.
        errors: answers with status "error" that were taken.
        reconnects: how often a lost source has come back.
        next_attempt_monotonic_ns: when it is opened anew; 0 where no attempt is waited for.
    """

    source: SourceState
    since_monotonic_ns: int
    attempts: int
    captured: int
    dropped: int
    answered: int
    refused: Mapping[str, int]
    errors: int
    reconnects: int
    next_attempt_monotonic_ns: int
