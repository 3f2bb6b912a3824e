"""What a user gives for a series, table or vector -> one array of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.bundle.faults import shown
from edge.bundle.manifest import SeriesInput, TableInput, TensorInput
from edge.errors import InputError, InputTooLargeError, UnsupportedInputError
from edge.records.limits import MAX_RANK, MAX_VALUES
from edge.source_name import show_source

if TYPE_CHECKING:
    from edge.records.csv_files import CsvTable

__all__ = ["read_cells", "read_values"]

Words = Mapping[str, int]

_MISSING = frozenset({"", "nan", "na", "null"})
_NUMBER_KINDS = "fiub"
_WORD_KINDS = "OU"
_MOST_NAMED = 8


def read_values(spec: TensorInput, value: object, source: str) -> NDArray[Any]:
    """Turn a value into numbers.

    Args:
        spec: the input that it is for.
        value: see `edge.record.Record.values`.
        source: what messages call the record.

    Returns:
        Integers, booleans or floats (NaN where one is missing) in the shape that was given.

    Raises:
        InputError: it is ragged, lacks a column, or holds a word that no vocabulary has.
    """
    where = f"{show_source(source)}: input {spec.name}"
    if isinstance(value, np.ndarray):
        if value.dtype.kind in _NUMBER_KINDS:
            return value
        if value.dtype.kind not in _WORD_KINDS:
            raise InputError(f"{where} is of type {value.dtype}; give numbers or words")
        value = value.tolist()
    names = spec.names
    if isinstance(value, Mapping):
        return _read_mapping(spec, value, names, where)
    leaves, shape = _flatten(value, where)
    vocabularies = _vocabularies(spec)
    period = len(vocabularies)
    numbers = [
        _to_number(leaf, vocabularies[index % period], where) for index, leaf in enumerate(leaves)
    ]
    return _to_array(numbers, where).reshape(shape)


def read_cells(spec: TensorInput, table: CsvTable, source: str) -> list[object]:
    """Take what an input needs from a CSV file, by the names in its first line.

    Columns that are no channels or columns of the input are left out.

    Returns:
        For a table one mapping a row, from column to number, word or None, so that a bad row is
        that row's error; for a series one array (time, channel) or (channel, time).

    Raises:
        InputError: a column is not there, or a cell of a series is no number.
    """
    where = f"{show_source(source)}: input {spec.name}"
    names = spec.names
    if not names:
        raise UnsupportedInputError(
            f"{where} is a vector, whose values have no names; give a .npy or .npz file",
        )
    _check_names(table.columns, names, where, may_have_more=True)
    places = [table.columns.index(name) for name in names]
    if isinstance(spec, TableInput):
        vocabularies = _vocabularies(spec)
        return [
            {
                name: _cell_value(row[place], words)
                for name, place, words in zip(names, places, vocabularies, strict=True)
            }
            for row in table.rows
        ]
    rows = np.empty((len(table.rows), len(names)), np.float64)
    for index, row in enumerate(table.rows):
        for column, place in enumerate(places):
            value = _cell_value(row[place], None)
            if isinstance(value, str):
                raise InputError(
                    f"{where}: row {index + 1}, column {shown(names[column])} is {shown(value)}; "
                    "it must be a number with a decimal point, or empty where it is missing",
                )
            rows[index, column] = nan if value is None else value
    is_time_last = isinstance(spec, SeriesInput) and spec.axes == "CT"
    return [rows.T if is_time_last else rows]


def _cell_value(cell: str, words: Words | None) -> float | str | None:
    """A number; None for a gap; text where it is neither, or a word is wanted."""
    if words is not None and cell in words:
        return cell
    if cell.lower() in _MISSING:
        return None
    # float() also takes digits of other scripts and underscores between digits.
    if words is not None or not cell.isascii() or "_" in cell:
        return cell
    try:
        return float(cell)
    except ValueError:
        return cell


def _vocabularies(spec: TensorInput) -> list[Words | None]:
    """Positions of words for each value of the last axis; one entry stands for all."""
    if isinstance(spec, SeriesInput):
        return [None] * len(spec.channels)
    if isinstance(spec, TableInput):
        return [_positions(spec.vocabularies.get(name, ())) for name in spec.columns]
    return [_positions(spec.vocabulary)]


def _positions(words: tuple[str, ...]) -> Words | None:
    return {word: index for index, word in enumerate(words)} if words else None


def _to_number(leaf: object, words: Words | None, where: str) -> float | int:
    if leaf is None:
        return nan
    if isinstance(leaf, str):
        if words is not None and leaf in words:
            return words[leaf]
        known = "it takes numbers"
        if words is not None:
            known = f"it takes {', '.join(map(shown, list(words)[:_MOST_NAMED]))}"
            known += "..." if len(words) > _MOST_NAMED else ""
        raise InputError(f"{where}: {shown(leaf)} is unknown; {known}")
    if isinstance(leaf, (bool, int, float, np.bool_, np.integer, np.floating)):
        return leaf  # type: ignore[return-value]
    raise InputError(f"{where}: {shown(leaf)} is no number; give numbers, None or words")


def _to_array(numbers: list[float | int], where: str) -> NDArray[Any]:
    """int64 where all are whole, so that no digit of a large one is lost; else float64."""
    try:
        if all(isinstance(each, (int, np.integer)) for each in numbers):
            return np.array(numbers, np.int64)
        return np.array(numbers, np.float64)
    except OverflowError:
        raise InputError(f"{where}: a number is too large; give numbers of 64 bits") from None


def _flatten(value: object, where: str) -> tuple[list[object], tuple[int, ...]]:
    """All leaves of nested lists in row-major order, and the lists' shape."""
    shape: list[int] = []
    level: list[object] = [value]
    while level and isinstance(level[0], (list, tuple)):
        lengths = {len(each) if isinstance(each, (list, tuple)) else -1 for each in level}
        size = lengths.pop()
        if lengths or size < 0 or len(shape) == MAX_RANK:
            raise InputError(f"{where}: its lists differ in length or depth; give a full array")
        if size * len(level) > MAX_VALUES:
            raise InputTooLargeError(f"{where}: it has over {MAX_VALUES} values; give a .npy file")
        shape.append(size)
        level = [leaf for each in level for leaf in each]  # type: ignore[attr-defined]
    if any(isinstance(each, (list, tuple)) for each in level):
        raise InputError(f"{where}: its lists differ in length or depth; give a full array")
    return level, tuple(shape)


def _read_mapping(
    spec: TensorInput, value: Mapping[Any, Any], names: tuple[str, ...], where: str
) -> NDArray[Any]:
    """Values by column, or series by channel; all must be there and no others."""
    if not names:
        raise InputError(f"{where} is a vector, whose values have no names; give a list")
    _check_names(tuple(value), names, where, may_have_more=False)
    vocabularies = _vocabularies(spec)
    parts = []
    for name, words in zip(names, vocabularies, strict=True):
        leaves, shape = _flatten(_unwrap(value[name]), f"{where}: {shown(name)}")
        numbers = [_to_number(leaf, words, f"{where}: {shown(name)}") for leaf in leaves]
        parts.append(_to_array(numbers, where).reshape(shape))
    if len({part.shape for part in parts}) != 1:
        raise InputError(f"{where}: its channels differ in length; give as many values of each")
    is_time_last = isinstance(spec, SeriesInput) and spec.axes == "CT"
    return np.stack(parts, axis=0 if is_time_last else -1)


def _unwrap(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _check_names(
    given: tuple[object, ...], names: tuple[str, ...], where: str, *, may_have_more: bool
) -> None:
    missing = [name for name in names if name not in given]
    extra = [] if may_have_more else [name for name in given if name not in names]
    if not missing and not extra:
        return
    parts = []
    for verb, some in (("lacks", missing), ("does not take", extra)):
        if some:
            more = "..." if len(some) > _MOST_NAMED else ""
            parts.append(f"{verb} {', '.join(map(shown, some[:_MOST_NAMED]))}{more}")
    raise InputError(f"{where} {' and '.join(parts)}; name its {len(names)} columns exactly")
