"""What service and worker say to each other, over one socket pair.

A message is two big-endian 32-bit lengths, then so many bytes of JSON, then so many bytes of blob
(a picture). JSON carries everything that has a type; pictures are never wrapped in it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import msgspec

from edge.kiosk.messages import EventLevel, EventType, Latency, ModelCard, ModelName, Output

__all__ = [
    "HEADER",
    "MOST_PREVIEW_BYTES",
    "MOST_UPLOAD_BYTES",
    "UPLOAD",
    "Alive",
    "Answered",
    "Failed",
    "FromWorker",
    "Happened",
    "Infer",
    "Inferred",
    "Message",
    "Preview",
    "Ready",
    "Start",
    "Stop",
    "ToWorker",
    "Watch",
    "check_lengths",
    "decode_from_worker",
    "decode_to_worker",
    "encode_head",
]

HEADER = struct.Struct(">II")
UPLOAD = "upload"
"""`Answered.source` of what was sent in."""

MOST_JSON_BYTES = 4 << 20
MOST_PREVIEW_BYTES = 8 << 20
"""The largest blob that a worker may send."""

MOST_UPLOAD_BYTES = 256 << 20
"""The largest blob that a worker may be sent."""


class Start(msgspec.Struct, frozen=True, tag=True):
    """The first message to a worker: what it is for.

    Attributes:
        source: address of the source, credentials included; "" for none.
        policy: as `edge.streaming.frame_policy.parse_policy` reads it.
        gates: gate limits that differ from the defaults, by the names of `GateLimits`.
        trusted_keys: raw public keys in hex, one of which must have signed the bundle.
    """

    bundle: str
    source: str
    policy: str = "newest"
    gates: dict[str, float] = {}
    engine: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    open_timeout_s: float = 4.0
    read_timeout_s: float = 5.0
    trusted_keys: tuple[str, ...] = ()


class Infer(msgspec.Struct, frozen=True, tag=True):
    """Answer for the picture or record in the blob."""

    request: int


class Watch(msgspec.Struct, frozen=True, tag=True):
    """Somebody looks at the preview: send it often, for so long."""

    for_s: float


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Close the source and end."""


ToWorker = Start | Infer | Watch | Stop


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The model is loaded and gives the lab's answers on its golden examples."""

    card: ModelCard
    load_ns: int


class Alive(msgspec.Struct, frozen=True, tag=True):
    """Said twice a second.

    Attributes:
        busy_ms: how long the oldest inference that has not come back has taken; 0 for none.
        source: "opening", "open", "lost", "ended" or "none".
        source_since_ms: how long it has been so.
        attempts: attempts to open since it was lost.
        abandoned: threads left behind in a camera's library.
        rss_mib: resident memory.
    """

    busy_ms: int = 0
    source: Literal["opening", "open", "lost", "ended", "none"] = "none"
    source_since_ms: int = 0
    attempts: int = 0
    captured: int = 0
    dropped: int = 0
    reconnects: int = 0
    abandoned: int = 0
    rss_mib: float = 0.0


class Answered(msgspec.Struct, frozen=True, tag=True):
    """The answer for one frame or upload. `error_code` is `EdgeError.code` where it failed."""

    source: str
    index: int
    status: Literal["ok", "refused", "error"]
    gate: str
    error_code: str
    reason: str | None
    model: ModelName
    engine: str
    precision: str
    outputs: tuple[Output, ...]
    latency_ns: Latency
    capture_time_ns: int
    capture_monotonic_ns: int
    input_digest: str


class Inferred(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Infer`."""

    request: int
    answer: Answered


class Happened(msgspec.Struct, frozen=True, tag=True):
    """Something happened to the source or at the gates, at `monotonic_ns`."""

    kind: EventType
    level: EventLevel
    code: str
    message: str
    monotonic_ns: int


class Preview(msgspec.Struct, frozen=True, tag=True):
    """The blob is a JPEG of this frame."""

    index: int
    capture_monotonic_ns: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The worker cannot go on, and ends.

    Attributes:
        code: `EdgeError.code`, or "crash".
        message: one line.
        exit_code: `EdgeError.exit_code`.
        is_model: whether it may be the model's doing, not the camera's.
        is_hopeless: whether the same bundle fails in the same way the next time.
    """

    code: str
    message: str
    exit_code: int = 5
    is_model: bool = True
    is_hopeless: bool = False


FromWorker = Ready | Alive | Answered | Inferred | Happened | Preview | Failed

_Body = TypeVar("_Body")


@dataclass(frozen=True, slots=True)
class Message(Generic[_Body]):
    """One message and its blob."""

    body: _Body
    blob: bytes = b""


def encode_head(body: ToWorker | FromWorker, blob_bytes: int = 0) -> bytes:
    """All of a message but its blob, which is sent after it."""
    text = msgspec.json.encode(body)
    return HEADER.pack(len(text), blob_bytes) + text


_FROM_WORKER = msgspec.json.Decoder(FromWorker)
_TO_WORKER = msgspec.json.Decoder(ToWorker)


def decode_from_worker(text: bytes) -> FromWorker:
    """The JSON of a message that a worker sent.

    Raises:
        ValueError: it is none.
    """
    try:
        message: FromWorker = _FROM_WORKER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the worker said what is no message: {error}") from error
    return message


def decode_to_worker(text: bytes) -> ToWorker:
    """The JSON of a message to a worker.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    message: ToWorker = _TO_WORKER.decode(text)
    return message


def check_lengths(header: bytes, most_blob_bytes: int) -> tuple[int, int]:
    """Bytes of JSON and of blob that follow a header.

    Raises:
        ValueError: no message is that long.
    """
    text_bytes, blob_bytes = HEADER.unpack(header)
    if text_bytes > MOST_JSON_BYTES or blob_bytes > most_blob_bytes:
        raise ValueError(f"a message of {text_bytes} + {blob_bytes} bytes is none of ours")
    return text_bytes, blob_bytes
