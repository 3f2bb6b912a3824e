"""A measurement as a file: typed, versioned, written whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.cold_start import ColdStart
from benchmarks.environment import Machine, MachineState
from benchmarks.measure import WarmSamples
from edge.errors import InputError, InputNotFoundError

__all__ = [
    "SCHEMA_VERSION",
    "BenchmarkRecord",
    "GoldenReplay",
    "PictureIdentity",
    "Subject",
    "Verdict",
    "read_record",
    "record_from_json",
    "record_to_json",
    "write_record",
]

SCHEMA_VERSION: Final = 1
_MAX_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Subject:
    """What was measured.

    Attributes:
        name: of the model.
        version: of the model, "" for a bare file.
        digest: as in `edge.ModelIdentity`.
        artifact: path of the model file in its bundle, or the bare file's name.
        artifact_bytes: size of that file.
        precision: "int8", "float32", ...
        engine: "onnxruntime" or "litert".
        engine_version: of the engine's library.
        threads: inside one inference.
    """

    name: str
    version: str
    digest: str
    artifact: str
    artifact_bytes: int
    precision: str
    engine: str
    engine_version: str
    threads: int


@dataclass(frozen=True, slots=True)
class PictureIdentity:
    """A picture that was answered for: its file's name and the SHA-256 of its bytes in hex."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class GoldenReplay:
    """How far this machine's answers to the golden inputs lie from the lab's.

    Attributes:
        inputs: how many golden inputs were replayed; 0 where the model carries none.
        steps_before: largest difference in output steps before the measurement.
        steps_after: the same after it.
        tolerance_steps: what the bundle allows.
        same_tensors: whether preprocessing made bit for bit the lab's tensors.
    """

    inputs: int
    steps_before: float
    steps_after: float
    tolerance_steps: int
    same_tensors: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the figures may be quoted.

    Attributes:
        is_valid: nothing was found that disturbs them.
        reasons: what was found; empty where valid.
        notes: what a reader should know and what does not make them invalid.
    """

    is_valid: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BenchmarkRecord:
    """Everything that was measured and seen, raw.

    Attributes:
        schema: always "edgedx-benchmark".
        schema_version: of this form.
        subject: what was measured.
        machine: where.
        before: the machine's state when the warm measurement began, the model warm and busy.
        after: its state when the warm measurement ended.
        pictures: what was answered for.
        is_golden: whether the pictures are the bundle's golden inputs.
        cold_starts: each from a process of its own.
        load_ns: loading the model in the measuring process.
        first_answer_ns: the first call in the measuring process.
        warm: samples by stage, warm-up apart.
        golden: the replay of the golden inputs.
        verdict: whether the figures may be quoted.
    """

    schema: Literal["edgedx-benchmark"]
    schema_version: Literal[1]
    subject: Subject
    machine: Machine
    before: MachineState
    after: MachineState
    pictures: tuple[PictureIdentity, ...]
    is_golden: bool
    cold_starts: tuple[ColdStart, ...]
    load_ns: int
    first_answer_ns: int
    warm: WarmSamples
    golden: GoldenReplay
    verdict: Verdict


def record_to_json(record: BenchmarkRecord) -> bytes:
    """Write a record as one line of JSON."""
    return msgspec.json.encode(record) + b"\n"


def record_from_json(data: bytes, *, source: str = "record") -> BenchmarkRecord:
    """Read a record.

    Args:
        data: what `record_to_json` wrote.
        source: the record's name in messages.

    Raises:
        InputError: it is not JSON, of another version, or not exactly a record: what is not
            understood is refused, not dropped.
    """
    try:
        raw = msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source} is not JSON ({error}); give a file of edge-bench -o") from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise InputError(
            f"{source} has schema_version {version!r}; this edge-bench reads {SCHEMA_VERSION}: "
            "use the edgedx that wrote it, or measure again",
        )
    try:
        record = msgspec.convert(raw, BenchmarkRecord)
    except msgspec.ValidationError as error:
        raise InputError(f"{source} is not a benchmark record: {error}") from error
    if msgspec.json.decode(msgspec.json.encode(record)) != raw:
        raise InputError(
            f"{source} holds keys that schema_version {SCHEMA_VERSION} does not know; "
            "use the edgedx that wrote it, or measure again",
        )
    return record


def read_record(path: Path) -> BenchmarkRecord:
    """Read a record from a file.

    Raises:
        InputError: the file cannot be read or holds no record.
    """
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise InputError(f"{path} has {size} bytes; a record has at most {_MAX_BYTES}")
        data = path.read_bytes()
    except OSError as error:
        raise InputNotFoundError(f"cannot read {path}: {error.strerror}; check its name") from error
    return record_from_json(data, source=str(path))


def write_record(record: BenchmarkRecord, path: Path) -> None:
    """Write a record to a file, whole or not at all.

    Raises:
        OutputError: it cannot be written; what was there before is untouched.
    """
    write_file(path, record_to_json(record))
