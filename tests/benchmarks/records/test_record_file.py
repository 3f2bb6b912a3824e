"""Records: what is written is read back; what is not understood is refused."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records.record import BenchmarkRecord
from benchmarks.records.record_file import (
    read_record,
    record_from_json,
    record_to_json,
    write_record,
)
from edge.errors import InputError, InputNotFoundError, OutputError


def test_a_record_survives_the_file(record: BenchmarkRecord, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(record, path)
    assert read_record(path) == record


def test_a_record_is_one_line_of_plain_json(record: BenchmarkRecord) -> None:
    data = record_to_json(record)
    assert data.count(b"\n") == 1
    assert json.loads(data)["schema_version"] == 3


@pytest.mark.parametrize("version", [0, 1, 2, 4, "3", None, True], ids=repr)
def test_another_version_is_refused_with_what_was_seen(
    record: BenchmarkRecord, version: object
) -> None:
    raw = json.loads(record_to_json(record)) | {"schema_version": version}
    with pytest.raises(InputError, match=f"schema_version {version!r}; .* reads 3"):
        record_from_json(json.dumps(raw).encode())


def test_a_key_that_nobody_knows_is_refused_however_deep(record: BenchmarkRecord) -> None:
    raw = json.loads(record_to_json(record))
    raw["machine"]["colour"] = "green"
    raw["measurements"][0]["sensors"]["smell"] = 1
    message = (
        r"keys that schema_version 3 does not know "
        r"\(machine\.colour, measurements\[0\]\.sensors\.smell\)"
    )
    with pytest.raises(InputError, match=message):
        record_from_json(json.dumps(raw).encode())


def test_a_key_that_is_left_out_has_its_default(record: BenchmarkRecord) -> None:
    raw = json.loads(record_to_json(record))
    del raw["measurements"][0]["phases"]["timed"]["kept_every"], raw["left_out"]
    assert record_from_json(json.dumps(raw).encode()) == record


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"schema": "other"}, "not a benchmark record", id="another schema"),
        pytest.param({"started_ns": "soon"}, "started_ns", id="wrong type"),
        pytest.param({"settings": {}}, "not a benchmark record", id="missing keys"),
    ],
)
def test_a_malformed_record_is_refused(
    record: BenchmarkRecord, change: dict[str, object], message: str
) -> None:
    raw = json.loads(record_to_json(record)) | change
    with pytest.raises(InputError, match=message):
        record_from_json(json.dumps(raw).encode())


def _cut(phases: dict[str, Any]) -> None:
    phases["timed"]["columns"]["infer"]["data"] = "eNo"


def _shorten(phases: dict[str, Any]) -> None:
    phases["timed"]["columns"]["infer"] = phases["warm_up"]["columns"]["infer"]


def _drop(phases: dict[str, Any]) -> None:
    del phases["timed"]["columns"]["infer"]


def _rename(phases: dict[str, Any]) -> None:
    phases["later"] = phases.pop("timed")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(_cut, "timed, infer: a column of samples", id="cut"),
        pytest.param(_shorten, "timed: columns of .31, 400. samples", id="of another length"),
        pytest.param(_drop, "a phase 'timed' of other columns", id="dropped"),
        pytest.param(_rename, "a phase 'later' of other columns", id="unknown phase"),
    ],
)
def test_damaged_samples_are_refused_by_name(
    record: BenchmarkRecord, damage: Any, message: str
) -> None:
    raw = json.loads(record_to_json(record))
    damage(raw["measurements"][0]["phases"])
    with pytest.raises(InputError, match=message):
        record_from_json(json.dumps(raw).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"7"], ids=repr)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        record_from_json(data)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"absent\.json"):
        read_record(tmp_path / "absent.json")


def test_a_write_that_fails_leaves_the_old_record_and_nothing_else(
    record: BenchmarkRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_record(record, path)
    assert [each.name for each in tmp_path.iterdir()] == ["record.json"]
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_not_there_is_an_output_error(
    record: BenchmarkRecord, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_record(record, tmp_path / "absent" / "record.json")
