"""A line of the journal as one row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from edge.kiosk.journal.line import Line

__all__ = ["CSV_COLUMNS", "csv_row"]

CSV_COLUMNS = (
    "sequence",
    "sha256",
    "time",
    "kind",
    "code",
    "numbers",
    "model_name",
    "model_version",
    "model_digest",
    "engine",
    "precision",
    "source_kind",
    "index",
    "capture_time",
    "input_digest",
    "status",
    "gate",
    "error_code",
    "decision",
    "outputs",
    "infer_ns",
    "total_ns",
    "capture_to_answer_ns",
    "temperature_c",
    "is_throttled",
)
"""`decision` holds the labels decided for, of all outputs, with "|" between them; `numbers` and
`outputs` are JSON; times are UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NS_PER_US = 1000
_PARTS = {
    "model_name": ("model", "name"),
    "model_version": ("model", "version"),
    "model_digest": ("model", "digest"),
    "infer_ns": ("latency_ns", "infer"),
    "total_ns": ("latency_ns", "total"),
    "temperature_c": ("device", "temperature_c"),
    "is_throttled": ("device", "is_throttled"),
}
_TIMES = {"time": "time_ns", "capture_time": "capture_time_ns"}


def csv_row(line: Line) -> list[str]:
    """The row under `CSV_COLUMNS`; what an entry does not say is empty."""
    entry = msgspec.json.decode(line.raw)
    return [_cell(entry, column) for column in CSV_COLUMNS]


def _cell(entry: Mapping[str, Any], column: str) -> str:
    if column in _TIMES:
        return _time(entry.get(_TIMES[column]))
    if column in _PARTS:
        whole, part = _PARTS[column]
        found = entry.get(whole)
        return _text(found.get(part)) if isinstance(found, dict) else ""
    if column == "decision":
        return "|".join(_decisions(entry.get("outputs")))
    return _text(entry.get(column))


def _decisions(outputs: object) -> list[str]:
    found = [each.get("decision") for each in _list(outputs) if isinstance(each, dict)]
    return [str(label) for labels in found for label in _list(labels)]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _time(time_ns: object) -> str:
    """ISO 8601 in UTC to the microsecond; "" where a clock showed what no calendar holds."""
    if not isinstance(time_ns, int) or time_ns == 0:
        return ""
    try:
        return (_EPOCH + timedelta(microseconds=time_ns // _NS_PER_US)).isoformat()
    except OverflowError:
        return ""
