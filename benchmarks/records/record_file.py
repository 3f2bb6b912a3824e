"""A record as a file: typed, versioned, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.records.measurement import COLUMNS, PHASES, Measurement
from benchmarks.records.record import SCHEMA_VERSION, BenchmarkRecord
from benchmarks.records.sample_column import SampleColumn
from edge.errors import InputError, InputNotFoundError

__all__ = ["read_record", "record_from_json", "record_to_json", "write_record"]

_MAX_BYTES = 512 * 2**20
_MOST_NAMED = 3
_LONGEST_NAME = 80


def record_to_json(record: BenchmarkRecord) -> bytes:
    """Write a record as one line of JSON."""
    return msgspec.json.encode(record) + b"\n"


def record_from_json(data: bytes, *, source: str = "record") -> BenchmarkRecord:
    """Read a record.

    Args:
        data: what `record_to_json` wrote.
        source: the record's name in messages.

    Raises:
        InputError: it is not JSON, of another version, damaged, or not exactly a record: what
            is not understood is refused, not dropped.
    """
    try:
        raw = msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{source} is not JSON ({error}); give a file of edge-bench run -o"
        ) from error
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
    unknown = sorted(_unknown_keys(raw, msgspec.json.decode(msgspec.json.encode(record))))
    if unknown:
        raise InputError(
            f"{source} holds keys that schema_version {SCHEMA_VERSION} does not know "
            f"({', '.join(unknown[:_MOST_NAMED])}); use the edgedx that wrote it, or measure again",
        )
    for measurement in record.measurements:
        _check_samples(measurement, source)
    return record


def _unknown_keys(raw: Any, known: Any, place: str = "") -> Iterator[str]:
    """Keys of objects in JSON that were lost as it became a record; absent ones are defaults."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            name = f"{place}.{key}" if place else key
            if key in known:
                yield from _unknown_keys(value, known[key], name)
            else:
                yield name[:_LONGEST_NAME]
    elif isinstance(raw, list) and isinstance(known, list):
        for index, (one, other) in enumerate(zip(raw, known, strict=True)):
            yield from _unknown_keys(one, other, f"{place}[{index}]")


def _check_samples(measurement: Measurement, source: str) -> None:
    """Hold the columns of a measurement to each other, so that no reader stumbles later."""
    for phase, samples in measurement.phases.items():
        is_known = phase in PHASES and set(samples.columns) == set(COLUMNS)
        if not is_known or samples.kept_every < 1:
            raise InputError(f"{source} has a phase {phase!r} of other columns; measure again")
        _check_columns(samples.columns, f"{source}, {phase}")
    log = measurement.sensors
    _check_columns({"times": log.times, **log.traces}, f"{source}, sensors")


def _check_columns(columns: dict[str, SampleColumn], source: str) -> None:
    counts = set(_decoded_counts(columns, source))
    if len(counts) > 1:
        raise InputError(f"{source}: columns of {sorted(counts)} samples; measure again")


def _decoded_counts(columns: dict[str, SampleColumn], source: str) -> Iterator[int]:
    for name, column in columns.items():
        try:
            yield column.values().size
        except InputError as error:
            raise InputError(f"{source}, {name}: {error}") from error


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
