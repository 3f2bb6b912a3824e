"""What the kiosk says, once for the HTTP API, the event stream, the Unix socket and its schema.

Every message is JSON; `msgspec.json.encode` writes it and `msgspec.json.schema_components` says
in the OpenAPI document what it holds. Fields are only ever added.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = [
    "SCHEMA_VERSION",
    "Answer",
    "Event",
    "EventLevel",
    "EventType",
    "Health",
    "JournalHealth",
    "LabelScore",
    "Latency",
    "Latest",
    "ModelCard",
    "ModelName",
    "Output",
    "OutputCard",
    "Problem",
    "ServiceHealth",
    "SourceHealth",
    "UpdateHealth",
    "WorkerHealth",
]

SCHEMA_VERSION = 1

EventType = Literal["source", "gate", "worker", "journal", "model", "update", "service"]
EventLevel = Literal["info", "warning", "error"]


class LabelScore(msgspec.Struct, frozen=True):
    """One label's score after activation and temperature; a value in its unit for regression."""

    label: str
    score: float


class Output(msgspec.Struct, frozen=True):
    """One model output: scores in the manifest's label order, and the labels decided for."""

    name: str
    kind: str
    scores: tuple[LabelScore, ...]
    decision: tuple[str, ...]
    unit: str = ""


class Latency(msgspec.Struct, frozen=True):
    """Nanoseconds by stage."""

    capture: int = 0
    decode: int = 0
    preprocess: int = 0
    infer: int = 0
    postprocess: int = 0
    total: int = 0


class ModelName(msgspec.Struct, frozen=True):
    """Which model: its digest is the SHA-256 of its manifest."""

    name: str
    version: str
    digest: str


class Answer(msgspec.Struct, frozen=True):
    """The answer for one frame or one upload; `outputs` is empty unless `status` is "ok".

    Attributes:
        sequence: number of its journal entry; 0 only where the journal is switched off.
        entry_digest: SHA-256 in hex of that entry, "" where the journal is switched off.
        source: address of the source without credentials; "upload" for what was sent in.
        index: position within the source; gaps are frames that nobody answered.
        status: "ok"; "refused": no result, `gate` and `reason` say why; "error": the picture
            could not be read or the model failed on it.
        gate: stable word for what refused it: black, saturated, even, frozen, torn, stale,
            input, engine, journal; "" where status is "ok".
        capture_time_ns: wall clock at capture, nanoseconds since 1970.
        capture_to_answer_ns: from the capture of the frame to its answer being in the journal.
        input_digest: SHA-256 in hex of the pixels (of the bytes of an upload).
    """

    sequence: int
    entry_digest: str
    source: str
    index: int
    status: Literal["ok", "refused", "error"]
    gate: str
    reason: str | None
    model: ModelName
    engine: str
    precision: str
    outputs: tuple[Output, ...]
    latency_ns: Latency
    capture_time_ns: int
    capture_to_answer_ns: int
    input_digest: str
    schema_version: int = SCHEMA_VERSION


class Latest(msgspec.Struct, frozen=True):
    """What may be shown now. An answer that is no longer current is never in it.

    Attributes:
        state: "answered": `answer` is current and ok; "no_result": `gate` and `reason` say why
            (then `answer` is the refused one, or null where there is no picture at all);
            "waiting": nothing has been captured since the start.
        gate: as `Answer.gate`, and also: source (camera lost), worker (being replaced), old (the
            newest answer is older than the limit), update; "" where answered.
        age_ms: since the capture of the frame that `answer` is for; null without one.
    """

    state: Literal["answered", "no_result", "waiting"]
    gate: str
    reason: str | None
    age_ms: int | None
    answer: Answer | None
    schema_version: int = SCHEMA_VERSION


class OutputCard(msgspec.Struct, frozen=True):
    """How one output is read: thresholds by label, where it decides by thresholds."""

    name: str
    kind: str
    labels: tuple[str, ...]
    thresholds: dict[str, float]
    unit: str = ""


class ModelCard(msgspec.Struct, frozen=True):
    """The model as its maker describes it, and how it runs here."""

    model: ModelName
    task: str
    intended_use: str
    limits: str
    licence: str
    engine: str
    engine_version: str
    precision: str
    artifact: str
    outputs: tuple[OutputCard, ...]
    selftest: Literal["passed", "failed", "none"]
    schema_version: int = SCHEMA_VERSION


class Event(msgspec.Struct, frozen=True):
    """Something that happened to the kiosk; answers are no events.

    Attributes:
        id: counts from 1 since the service started; what `Last-Event-ID` names.
        time_ns: wall clock, nanoseconds since 1970.
        code: stable word, such as "source_lost", "source_back", "gate_closed_frozen",
            "gate_opened_frozen", "worker_stuck", "worker_started", "journal_failing",
            "update_confirmed", "update_rolled_back", "client_slow"; docs/kiosk.md has all.
        message: one line for a person, in English.
    """

    id: int
    time_ns: int
    type: EventType
    level: EventLevel
    code: str
    message: str
    schema_version: int = SCHEMA_VERSION


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong now: `code` as in `Event.code`."""

    code: str
    message: str


class SourceHealth(msgspec.Struct, frozen=True):
    """Where frames come from: "opening", "open", "lost" (waiting to open it anew), "ended"."""

    address: str
    state: Literal["opening", "open", "lost", "ended", "none"]
    since_ms: int
    attempts: int
    captured: int
    dropped: int


class WorkerHealth(msgspec.Struct, frozen=True):
    """The process that infers: "starting", "ready", "stopped" (waiting to be started anew)."""

    state: Literal["starting", "ready", "stopped"]
    pid: int
    restarts: int
    uptime_ms: int


class JournalHealth(msgspec.Struct, frozen=True):
    """The journal: "ok", "failing" (answers are withheld until it writes again) or "off"."""

    state: Literal["ok", "failing", "off"]
    last_sequence: int
    bytes: int


class UpdateHealth(msgspec.Struct, frozen=True):
    """The model slots: "none" where the kiosk was started without them."""

    state: Literal["none", "confirmed", "trial"]
    slot: str
    trial_left_ms: int


class ServiceHealth(msgspec.Struct, frozen=True):
    """The service itself."""

    version: str
    pid: int
    uptime_ms: int


class Health(msgspec.Struct, frozen=True):
    """Whether the kiosk can answer: "ok", "degraded" (it runs, but gives no results), "down"."""

    status: Literal["ok", "degraded", "down"]
    problems: tuple[Problem, ...]
    source: SourceHealth
    worker: WorkerHealth
    journal: JournalHealth
    update: UpdateHealth
    service: ServiceHealth
    model: ModelName | None
    schema_version: int = SCHEMA_VERSION
