"""Files, bytes, arrays and mappings -> `Record`, for models that take more than one picture."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.bundle.faults import shown
from edge.errors import InputError, UnsupportedInputError
from edge.frame import Frame
from edge.frame_reader import read_frame
from edge.record import RECORD_SUFFIXES, Record
from edge.records.csv_files import parse_csv
from edge.records.json_files import parse_record_json, resolve_inside
from edge.records.limits import MAX_ARRAY_BYTES
from edge.records.numpy_files import NPY_MAGIC, ZIP_MAGIC, parse_npy, parse_npz
from edge.records.values import read_cells
from edge.source_name import show_source

if TYPE_CHECKING:
    from edge.bundle.manifest import Input, TensorInput

__all__ = [
    "RECORD_SUFFIXES",
    "decode_records",
    "describe_inputs",
    "given_inputs",
    "make_record",
    "read_records",
]

_SUFFIXES = frozenset({".npy", ".npz", ".csv", ".json"})
_ADVICE = "give one record a file"


def read_records(path: str | os.PathLike[str], inputs: Sequence[Input]) -> list[Record]:
    """Read the records in a file: one, or one a row of a CSV file for a table.

    Args:
        path: a .npy, .npz, .csv or .json file.
        inputs: what the model takes.

    Raises:
        InputError: it cannot be read, or does not hold what the model takes.
    """
    from edge.sources.file_bytes import read_file_bytes

    name = os.fspath(path)
    if Path(name).suffix.lower() not in _SUFFIXES:
        raise UnsupportedInputError(
            f"{show_source(name)}: this model takes {describe_inputs(inputs)}; give a .npy, .npz, "
            ".csv or .edge.json file",
        )
    start = time.perf_counter_ns()
    data = read_file_bytes(name, limit=MAX_ARRAY_BYTES, advice=_ADVICE)
    reading_ns = time.perf_counter_ns() - start
    records = decode_records(data, inputs, source=name, folder=Path(name).parent)
    first = replace(records[0], capture_ns=records[0].capture_ns + reading_ns)
    return [first, *records[1:]]


def decode_records(
    data: bytes, inputs: Sequence[Input], *, source: str, folder: Path | None = None
) -> list[Record]:
    """Decode the records in a file's bytes, whose kind they show themselves.

    Args:
        data: the whole file.
        inputs: what the model takes.
        source: where the bytes came from.
        folder: where a JSON record may name files; None where it may not.

    Returns:
        At least one record.

    Raises:
        InputError: they are damaged, or not what the model takes.
    """
    start = time.perf_counter_ns()
    inputs = given_inputs(inputs)
    if data.startswith(NPY_MAGIC):
        found = [_named({"": parse_npy(data, source)}, inputs, source)]
    elif data.startswith((ZIP_MAGIC, b"PK\x05\x06")):
        found = [_named(parse_npz(data, source), inputs, source)]
    elif data.lstrip(b" \t\r\n\xef\xbb\xbf").startswith(b"{"):
        values = parse_record_json(data, source)
        found = [_with_files(_named(values, inputs, source), inputs, source, folder)]
    else:
        spec = _lone_tensor_input(inputs, source)
        found = [{spec.name: row} for row in read_cells(spec, parse_csv(data, source), source)]
        if not found:
            raise InputError(f"{show_source(source)}: it has no rows under its names; add one")
    records = [
        _with_frames(Record(values, source=source, index=index), inputs)
        for index, values in enumerate(found)
    ]
    # What reading pictures took is counted apart.
    apart = records[0].capture_ns + records[0].decode_ns
    spent = max(0, time.perf_counter_ns() - start - apart)
    return [replace(records[0], decode_ns=records[0].decode_ns + spent), *records[1:]]


def make_record(source: object, inputs: Sequence[Input]) -> Record:
    """Turn whatever a caller gives for one answer into a record.

    Args:
        source: a path, the bytes of a file, a mapping by input name, an array or nested list
            for a model with one input, or a `Record`.
        inputs: what the model takes.

    Raises:
        InputError: it is not what the model takes, or holds several records.
    """
    if isinstance(source, Record):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _only(read_records(source, inputs))
    if isinstance(source, bytes):
        return _only(decode_records(source, inputs, source="memory"))
    inputs = given_inputs(inputs)
    if isinstance(source, Mapping) and (len(inputs) > 1 or inputs[0].name in source):
        values = _named(source, inputs, "memory")
    else:
        values = _named({"": source}, inputs, "memory")
    return _with_frames(Record(values, capture_time_ns=time.time_ns()), inputs)


def given_inputs(inputs: Sequence[Input]) -> list[Input]:
    """Those that a user gives: all but masks, which come of their series."""
    return [each for each in inputs if not getattr(each, "mask_of", "")]


def describe_inputs(inputs: Sequence[Input]) -> str:
    """Say in words what a model takes: name, kind and shape of each input."""
    return ", ".join(
        f"{each.name} ({each.__struct_config__.tag} {list(each.shape)})" for each in inputs
    )


def _only(records: list[Record]) -> Record:
    if len(records) == 1:
        return records[0]
    raise InputError(
        f"{show_source(records[0].source)}: it has {len(records)} rows and one is answered at a "
        "time; use edge-run, or edge.records.record_reader.read_records, for all of them",
    )


def _named(values: Mapping[str, object], inputs: Sequence[Input], source: str) -> dict[str, object]:
    """Give each input its value; a lone one needs no name."""
    names = [each.name for each in inputs]
    if len(values) == len(names) == 1:
        return dict(zip(names, values.values(), strict=True))
    missing = [name for name in names if name not in values]
    extra = [name for name in values if name not in names]
    if missing or extra:
        given = ", ".join(shown(name) for name in values if name) or "one without a name"
        raise InputError(
            f"{show_source(source)}: the model takes {describe_inputs(inputs)} and is given "
            f"{given}; give each by its name",
        )
    return {name: values[name] for name in names}


def _lone_tensor_input(inputs: Sequence[Input], source: str) -> TensorInput:
    from edge.bundle.manifest import ImageInput

    if len(inputs) == 1 and not isinstance(inputs[0], ImageInput):
        return inputs[0]
    raise UnsupportedInputError(
        f"{show_source(source)}: the model takes {describe_inputs(inputs)}, which a CSV file "
        "cannot hold; give a .npz or .edge.json file",
    )


def _with_files(
    values: dict[str, object], inputs: Sequence[Input], source: str, folder: Path | None
) -> dict[str, object]:
    """Read the files that a JSON record names: arrays here, pictures by their absolute path."""
    from edge.bundle.manifest import ImageInput

    for each in inputs:
        value = values[each.name]
        if not isinstance(value, str):
            if isinstance(each, ImageInput):
                raise InputError(
                    f"{show_source(source)}: input {each.name} is a picture and is given "
                    f"{shown(value)}; give the name of its file",
                )
            continue
        if isinstance(each, ImageInput):
            values[each.name] = resolve_inside(value, folder, source)
        elif Path(value).suffix.lower() in {".npy", ".csv"}:
            path = resolve_inside(value, folder, source)
            values[each.name] = _only(read_records(path, [each])).values[each.name]
    return values


def _with_frames(record: Record, inputs: Sequence[Input]) -> Record:
    """Decode the pictures of a record."""
    from edge.bundle.manifest import ImageInput

    names = [each.name for each in inputs if isinstance(each, ImageInput)]
    if not names:
        return record
    frames = {name: _read_picture(record.values[name], name, record.source) for name in names}
    return replace(
        record,
        values={**record.values, **frames},
        decode_ns=record.decode_ns + sum(each.decode_ns for each in frames.values()),
        capture_ns=record.capture_ns + sum(each.capture_ns for each in frames.values()),
    )


def _read_picture(value: object, name: str, source: str) -> Frame:
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 1:
        # How an array file holds an encoded picture.
        value = value.tobytes()
    if isinstance(value, (Frame, str, os.PathLike, bytes, np.ndarray)):
        return read_frame(value)
    raise UnsupportedInputError(
        f"{show_source(source)}: input {name} is a picture and is given a "
        f"{type(value).__name__}; give a file's name, its bytes, or an edge.Frame",
    )
