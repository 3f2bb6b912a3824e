"""What one entry of the journal says. There is no free text: messages hold names of files."""

from __future__ import annotations

import time
import uuid
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge.kiosk.journal.errors import JournalError
from edge.kiosk.messages import Latency, ModelName, Output

__all__ = [
    "MAX_ENTRY_BYTES",
    "OWN_KINDS",
    "DeviceState",
    "JournalEntry",
    "SourceKind",
    "boot_id",
    "encode_entry",
    "kind_of_source",
]

MAX_ENTRY_BYTES = 1 << 20
"""A thousand labels with their scores take a tenth of it."""

OWN_KINDS = frozenset({"segment", "journal"})
"""Kinds that only the journal itself writes."""

SourceKind = Literal[
    "",
    "camera",
    "picamera",
    "csi",
    "rtsp",
    "http",
    "sequence",
    "watch",
    "fake",
    "upload",
    "file",
]
"""Of what kind the source was. A closed set: an address may hold a patient's name."""

_SCHEMES: dict[str, SourceKind] = {
    "camera": "camera",
    "picamera": "picamera",
    "csi": "csi",
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": "http",
    "https": "http",
    "sequence": "sequence",
    "watch": "watch",
    "fake": "fake",
    "upload": "upload",
}

_Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.-]*\Z", max_length=64)]
_Digest = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?\Z")]
_Count = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]


@cache
def boot_id() -> str:
    """Which start of the machine this is; between two of them its monotonic clock starts anew.

    Where the kernel does not tell, each process is taken for a start of its own.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return str(uuid.uuid4())


class DeviceState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the board was; None for what it does not tell."""

    temperature_c: float | None = None
    is_throttled: bool | None = None
    has_undervoltage: bool | None = None
    load_1min: float | None = None
    memory_available_mib: int | None = None
    disk_free_mib: int | None = None


class JournalEntry(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """One entry; a member that has its default is not written.

    Attributes:
        kind: "answer", "event", "start", "stop", ...; "segment" and "journal" are the
            journal's own.
        time_ns: wall clock, nanoseconds since 1970, be it right or not.
        boot_id: which start of the machine `monotonic_ns` belongs to.
        monotonic_ns: `time.monotonic_ns()`.
        code: stable word of an event, as `Event.code`.
        numbers: what goes with the code, by word.
        model: which model; None where the entry is about none.
        engine: "onnxruntime", "litert", ...
        precision: "int8", "float32", ...
        source_kind: of what kind the source was, never its address.
        index: position within the source; None where there is none.
        capture_time_ns: wall clock at capture.
        input_digest: SHA-256 in hex of what the entry is about: pixels, or bytes sent in.
        status: "ok", "refused", "error"; "" where the entry is no answer.
        gate: which gate refused it.
        error_code: `EdgeError.code` of what failed.
        outputs: labels, scores and decisions; empty unless `status` is "ok".
        latency_ns: by stage.
        capture_to_answer_ns: from the capture until the entry was handed to the journal.
        device: how the board was.
    """

    kind: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*\Z", max_length=32)]
    time_ns: _Count = msgspec.field(default_factory=time.time_ns)
    boot_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f-]*\Z", max_length=36)] = msgspec.field(
        default_factory=boot_id
    )
    monotonic_ns: _Count = msgspec.field(default_factory=time.monotonic_ns)
    code: _Word = ""
    numbers: Annotated[dict[_Word, _Count], msgspec.Meta(max_length=32)] = {}
    model: ModelName | None = None
    engine: _Word = ""
    precision: _Word = ""
    source_kind: SourceKind = ""
    index: _Count | None = None
    capture_time_ns: _Count = 0
    input_digest: _Digest = ""
    status: Literal["", "ok", "refused", "error"] = ""
    gate: _Word = ""
    error_code: _Word = ""
    outputs: tuple[Output, ...] = ()
    latency_ns: Latency | None = None
    capture_to_answer_ns: _Count = 0
    device: DeviceState | None = None


def encode_entry(entry: JournalEntry) -> bytes:
    """The entry as JSON: UTF-8, no spaces, members in the order of `JournalEntry`.

    A member that has its default is left out.

    Raises:
        JournalError: a value is none that an entry may hold, or the entry is too large.
    """
    try:
        encoded = msgspec.json.encode(entry)
        # msgspec checks when it decodes only; a score that is not a number shows here as null.
        msgspec.json.decode(encoded, type=JournalEntry)
    except (msgspec.MsgspecError, UnicodeError, OverflowError, TypeError) as error:
        raise JournalError(f"this cannot go into the journal: {error}; correct the entry") from None
    if len(encoded) > MAX_ENTRY_BYTES:
        raise JournalError(
            f"an entry of {len(encoded)} bytes is over the journal's limit of {MAX_ENTRY_BYTES}; "
            "keep fewer labels in it"
        )
    return encoded


def kind_of_source(address: str) -> SourceKind:
    """The kind of a source by the scheme of its address; "file" where it has none of ours."""
    return _SCHEMES.get(address.partition(":")[0].lower(), "file")
