"""The states that a pretended kiosk can be in."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SCENES", "Scene"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One state of the kiosk.

    Attributes:
        state: of `Latest`.
        gate: of `Latest`; also of the refused answer, where there is one.
        reason: in words.
        is_frame_shown: there is a newest frame, so a snapshot and an answer (perhaps refused).
        event: type, level, code and message of what is announced on entering.
        source, worker, journal, update: states in `Health`.
        status: of `Health`.
    """

    state: str = "no_result"
    gate: str = ""
    reason: str | None = None
    is_frame_shown: bool = True
    event: tuple[str, str, str, str] | None = None
    source: str = "open"
    worker: str = "ready"
    journal: str = "ok"
    update: str = "confirmed"
    status: str = "degraded"


def _refused(gate: str, reason: str) -> Scene:
    return Scene(gate=gate, reason=reason, event=("gate", "warning", f"gate_{gate}", reason))


SCENES: dict[str, Scene] = {
    "answered": Scene(
        state="answered", status="ok", event=("gate", "info", "gate_open", "frames are good again")
    ),
    "black": _refused("black", "the picture is black: mean 2.1 of 255, the least is 8"),
    "saturated": _refused("saturated", "61 % of the picture is at 255; the most is 50 %"),
    "even": _refused("even", "the picture is even: deviation 0.4 of 255, the least is 2"),
    "frozen": _refused("frozen", "the same picture for 3.2 s; the most is 2 s"),
    "torn": _refused("torn", "only a part of the frame came"),
    "stale": _refused("stale", "the frame is 2.6 s old; the most is 1 s"),
    "input": _refused("input", "the picture is 64 x 64; the model needs at least 224 x 224"),
    "engine": _refused("engine", "the engine failed on this frame"),
    "source_lost": Scene(
        gate="source",
        reason="camera:0 gives no pictures; it is being opened again",
        is_frame_shown=False,
        event=("source", "error", "source_lost", "camera:0 gives no pictures"),
        source="lost",
        status="degraded",
    ),
    "worker": Scene(
        gate="worker",
        reason="the process that answers stopped; a new one is starting",
        is_frame_shown=False,
        event=("worker", "error", "worker_stuck", "no answer for 10 s; the worker was replaced"),
        worker="starting",
    ),
    "old": Scene(
        gate="old",
        reason="the newest answer is 5.0 s old; the most is 2 s",
        is_frame_shown=False,
        event=("gate", "warning", "gate_old", "the newest answer is too old to be shown"),
    ),
    "journal": Scene(
        gate="journal",
        reason="the journal cannot be written: no space left on the device",
        event=("journal", "error", "journal_full", "no space left on the device"),
        journal="failing",
    ),
    "update": Scene(
        gate="update",
        reason="a new model is being switched to",
        is_frame_shown=False,
        event=("update", "info", "update_started", "switching to chest_xray 2.2.0"),
        update="trial",
        worker="starting",
    ),
    "down": Scene(
        gate="worker",
        reason="the process that answers failed 5 times; the next try is in 60 s",
        is_frame_shown=False,
        event=("worker", "error", "worker_failed", "the worker failed 5 times"),
        worker="stopped",
        status="down",
    ),
    "waiting": Scene(
        state="waiting",
        is_frame_shown=False,
        source="opening",
        event=("service", "info", "service_started", "edge-kiosk started"),
    ),
}
