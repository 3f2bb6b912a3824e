"""A CSV of files (or rows) and what is true of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError, UsageError
from edge.source_name import show_source
from quantize.label_names import match_class_names, match_labels, plain_name, read_flag
from quantize.labelled_data import ColumnChoice, LabelledData, LabelledOptions, read_picture
from quantize.table_files import FileFinder, fill_pattern, pattern_columns

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["read_table"]

_USUAL = {
    "file": ("file", "path", "filepath", "filename", "image", "imagepath", "imagefile"),
    "label": ("label", "class", "target", "diagnosis", "dx", "findinglabels"),
    "value": ("value", "target", "y"),
    "group": ("group", "patient", "patientid", "subject", "subjectid", "lesionid"),
    "split": ("split", "subset", "fold"),
}
_DELIMITERS = ",;\t"
_MOST_SHOWN = 12
_NOT_KNOWN = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown"})

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Truth:
    """What is true of each row, and the columns that say it."""

    values: NDArray[np.float64]
    columns: frozenset[str]
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A row that is an example: its position, its name, and its file where it has one."""

    row: int
    name: str
    source: Path | None


def read_table(path: Path, output: Output, options: LabelledOptions) -> LabelledData:
    """Read a table with a header; a row without a label or a file is left out and counted.

    Args:
        path: CSV with commas, semicolons or tabs, UTF-8.
        output: the model's output.
        options: which columns say what.

    Raises:
        InputError: it is no table, or what is true cannot be read off it.
        UsageError: an option names a column that is not there.
    """
    rows = _read_rows(path)
    if options.only_split:
        rows = _of_split(rows, options)
    columns, assumed = _choose_columns(tuple(rows[0]), options, path)
    truth = _read_truth(rows, columns, output, options, path)
    left_out: dict[str, str] = {}
    kept = _keep(rows, columns, truth, path, left_out)
    _check_found(path, len(rows), left_out)
    read = options.read_file or read_picture

    def load(at: int) -> Any:
        source = kept[at].source
        if source is not None:
            return read(source)
        row = rows[kept[at].row]
        apart = truth.columns | {columns.group, columns.split}
        return {name: cell for name, cell in row.items() if name not in apart}

    at_rows = [each.row for each in kept]
    names = tuple(each.name for each in kept)
    return LabelledData(
        output=output,
        names=names,
        truth=truth.values[at_rows],
        groups=tuple(rows[at][columns.group] for at in at_rows) if columns.group else names,
        splits=tuple(rows[at][columns.split] for at in at_rows) if columns.split else (),
        load=load,
        assumed=(*assumed, *truth.assumed),
        left_out=left_out,
    )


def _read_rows(path: Path) -> list[Row]:
    shown = show_source(str(path))
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            first = stream.readline()
            stream.seek(0)
            delimiter = max(_DELIMITERS, key=first.count)
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            header = [name.strip() for name in next(reader, [])]
            body = [row for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{shown}: cannot be read as a table: {reason}; save it as CSV") from error
    repeated = {name for name in header if header.count(name) > 1}
    if repeated:
        raise InputError(f"{shown}: column '{min(repeated)}' stands in the header twice")
    ragged = next((at for at, row in enumerate(body, 2) if len(row) != len(header)), None)
    if ragged is not None:
        raise InputError(
            f"{shown}: row {ragged} has {len(body[ragged - 2])} cells, but the header has "
            f"{len(header)}"
        )
    if not body:
        raise InputError(f"{shown}: it has no rows; give a header and a row an example")
    return [dict(zip(header, (cell.strip() for cell in row), strict=True)) for row in body]


def _of_split(rows: list[Row], options: LabelledOptions) -> list[Row]:
    """Rows of one split only, so that files of other splits are not looked for."""
    column = options.columns.split or next(
        (name for name in rows[0] if plain_name(name) in _USUAL["split"]), ""
    )
    chosen = [row for row in rows if row.get(column) == options.only_split]
    return chosen or rows


def _choose_columns(
    header: tuple[str, ...], options: LabelledOptions, path: Path
) -> tuple[ColumnChoice, tuple[str, ...]]:
    chosen: dict[str, str] = {}
    assumed: list[str] = []
    for key, usual in _USUAL.items():
        asked = getattr(options.columns, key)
        if asked:
            wanted = pattern_columns(asked) if key == "file" else (asked,)
            missing = [name for name in wanted if name not in header]
            if missing:
                raise UsageError(f"{path} has no column '{missing[0]}'; it has: {_list(header)}")
            chosen[key] = asked
            continue
        found = next((name for word in usual for name in header if plain_name(name) == word), "")
        chosen[key] = found
        if found and key in {"group", "split"}:
            assumed.append(f"{key} is column '{found}'")
    if options.rows_are_examples:
        chosen["file"] = ""
    elif not chosen["file"]:
        raise InputError(
            f"{path} has no column of files; name it with --data-columns file=...; "
            f"it has: {_list(header)}"
        )
    return ColumnChoice(**chosen), tuple(assumed)


def _list(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _read_truth(
    rows: Sequence[Row],
    columns: ColumnChoice,
    output: Output,
    options: LabelledOptions,
    path: Path,
) -> _Truth:
    if output.kind == "regression":
        return _values(rows, columns, output, path)
    header = tuple(rows[0])
    own = match_labels(header, output.labels, options.renamed)
    if output.kind == "multilabel" and own and not options.columns.label:
        return _flags(rows, own, output, path)
    if not columns.label:
        raise InputError(
            f"{path}: neither a column of labels nor a 0/1 column for each of the model's "
            f"({_list(output.labels)}); name it with --data-columns label=...; it has: "
            f"{_list(header)}"
        )
    words = [row[columns.label] for row in rows]
    numbers = _as_numbers(words, output)
    if numbers is not None:
        return _Truth(numbers, frozenset({columns.label}))
    known = tuple(dict.fromkeys(word for word in words if word))
    truth_of = match_class_names(known, output, options.renamed, path)
    unknown: Any = float("nan")
    if output.kind == "multilabel":
        unknown = np.full(len(output.labels), np.nan)
    values = np.array([truth_of.get(word, unknown) for word in words], dtype=np.float64)
    said = (f"labels are column '{columns.label}'",) if not options.columns.label else ()
    return _Truth(values, frozenset({columns.label}), said)


def _as_numbers(words: Sequence[str], output: Output) -> NDArray[np.float64] | None:
    """Labels given as positions, or as 0/1 for a single label; None where they are words."""
    labels = len(output.labels)
    named = match_labels(words, output.labels, {})
    if named:
        return None
    if output.kind == "multilabel" and labels == 1:
        flags = [read_flag(word) for word in words]
        if all(flag is not None for flag in flags):
            return np.array(flags, dtype=np.float64).reshape(-1, 1)
    if output.kind != "classification":
        return None
    allowed = {str(at): float(at) for at in range(labels)} | {"": float("nan")}
    if any(word not in allowed for word in words):
        return None
    return np.array([allowed[word] for word in words], dtype=np.float64)


def _flags(rows: Sequence[Row], positions: Mapping[str, int], output: Output, path: Path) -> _Truth:
    values = np.full((len(rows), len(output.labels)), np.nan)
    for column, at in positions.items():
        for index, row in enumerate(rows):
            flag = read_flag(row[column])
            if flag is None:
                raise InputError(
                    f"{path} row {index + 2}: column '{column}' holds {row[column]!r}; give 1, 0, "
                    "or nothing where it is not known"
                )
            values[index, at] = flag
    absent = [name for at, name in enumerate(output.labels) if at not in positions.values()]
    said = (f"no column for {_list(absent)}: not judged",) if absent else ()
    return _Truth(values, frozenset(positions), said)


def _values(rows: Sequence[Row], columns: ColumnChoice, output: Output, path: Path) -> _Truth:
    own = match_labels(tuple(rows[0]), output.labels, {})
    if columns.value and len(output.labels) == 1:
        own = {columns.value: 0}
    if not own:
        raise InputError(
            f"{path}: no column of values for {_list(output.labels)}; name it with "
            f"--data-columns value=...; it has: {_list(tuple(rows[0]))}"
        )
    values = np.full((len(rows), len(output.labels)), np.nan)
    for column, at in own.items():
        for index, row in enumerate(rows):
            values[index, at] = _number(row[column], f"{path} row {index + 2}, column '{column}'")
    return _Truth(values, frozenset(own))


def _number(text: str, where: str) -> float:
    if text.casefold() in _NOT_KNOWN:
        return float("nan")
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{where} holds {text!r}; a number is needed") from error
    return value if np.isfinite(value) else float("nan")


def _keep(
    rows: Sequence[Row],
    columns: ColumnChoice,
    truth: _Truth,
    path: Path,
    left_out: dict[str, str],
) -> list[_Kept]:
    finder = FileFinder(path.parent)
    kept: list[_Kept] = []
    for at, row in enumerate(rows):
        place = f"{path.name} row {at + 2}"
        if not np.isfinite(truth.values[at]).any():
            left_out[place] = f"{place}: what is true of it is not given"
        elif not columns.file:
            kept.append(_Kept(at, place, None))
        else:
            name = fill_pattern(columns.file, row)
            try:
                kept.append(_Kept(at, name, finder.find(name)))
            except InputError as error:
                left_out[place] = str(error)
    return kept


def _check_found(path: Path, count: int, left_out: Mapping[str, str]) -> None:
    """One lost file is counted; most of them lost means that the wrong place is searched."""
    if 2 * len(left_out) <= count:
        return
    first = next(iter(left_out.values()))
    raise InputError(
        f"{show_source(str(path))}: {len(left_out)} of {count} rows cannot be used; the first: "
        f"{first}"
    )
