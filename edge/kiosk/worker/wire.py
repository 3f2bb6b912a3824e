"""What service and worker say to each other, over one socket pair.

A message is two big-endian 32-bit lengths, then so many bytes of JSON, then so many bytes of blob
(a picture). JSON carries everything that has a type; pictures are never wrapped in it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from edge.kiosk.messages import EventLevel, EventType, Latency, ModelCard, ModelName, Output

__all__ = [
    "HEADER",
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
    "encode",
]

HEADER = struct.Struct(">II")
UPLOAD = "upload"
"""`Answered.source` of what was sent in."""

MOST_JSON_BYTES = 4 << 20
MOST_BLOB_BYTES = 256 << 20


class Start(msgspec.Struct, frozen=True, tag=True):
    """The first message to a worker: what it is for.

    Attributes:
        source: address of the source, credentials included; "" for none.
        policy: as `edge.streaming.frame_policy.parse_policy` reads it.
        gates: gate limits that differ from the defaults, by the names of `GateLimits`.
        trusted_keys: files of public keys, one of which must have signed the bundle.
    """

    bundle: str
    source: str
    policy: str = "newest"
    gates: dict[str, float] = {}
    engine: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    open_timeout_s: float = 10.0
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
    """Something happened to the source or at the gates."""

    kind: EventType
    level: EventLevel
    code: str
    message: str


class Preview(msgspec.Struct, frozen=True, tag=True):
    """The blob is a JPEG of this frame."""

    index: int
    capture_monotonic_ns: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The worker cannot go on, and ends. `code` is `EdgeError.code`, or "golden"."""

    code: str
    message: str


FromWorker = Ready | Alive | Answered | Inferred | Happened | Preview | Failed


@dataclass(frozen=True, slots=True)
class Message:
    """One message and its blob."""

    body: Any
    blob: bytes = b""


def encode(body: ToWorker | FromWorker, blob: bytes = b"") -> bytes:
    """One message as bytes."""
    text = msgspec.json.encode(body)
    return b"".join((HEADER.pack(len(text), len(blob)), text, blob))


_FROM_WORKER = msgspec.json.Decoder(FromWorker)
_TO_WORKER = msgspec.json.Decoder(ToWorker)


def decode_from_worker(text: bytes) -> FromWorker:
    """The JSON of a message that a worker sent.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    message: FromWorker = _FROM_WORKER.decode(text)
    return message


def decode_to_worker(text: bytes) -> ToWorker:
    """The JSON of a message to a worker.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    message: ToWorker = _TO_WORKER.decode(text)
    return message


def check_lengths(header: bytes) -> tuple[int, int]:
    """Bytes of JSON and of blob that follow a header.

    Raises:
        ValueError: no message is that long.
    """
    text_bytes, blob_bytes = HEADER.unpack(header)
    if text_bytes > MOST_JSON_BYTES or blob_bytes > MOST_BLOB_BYTES:
        raise ValueError(f"a message of {text_bytes} + {blob_bytes} bytes is none of ours")
    return text_bytes, blob_bytes
