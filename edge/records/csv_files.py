"""CSV files (RFC 4180, UTF-8): a line of names, then lines of cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from edge.bundle.faults import shown
from edge.errors import DecodeError, InputTooLargeError
from edge.records.limits import MAX_TEXT_BYTES
from edge.source_name import show_source

__all__ = ["CsvTable", "parse_csv"]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Cells as text, without the spaces around them.

    Attributes:
        columns: the names in the first line.
        rows: one cell a column each.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def parse_csv(data: bytes, source: str) -> CsvTable:
    """Read a CSV file.

    Args:
        data: the whole file.
        source: what messages call it.

    Raises:
        DecodeError: it is no UTF-8, has no names or names one twice, or a row of another length.
        InputTooLargeError: it is over the limit.
    """
    where = show_source(source)
    if len(data) > MAX_TEXT_BYTES:
        raise InputTooLargeError(
            f"{where}: it is {len(data):,} bytes, and the most is {MAX_TEXT_BYTES:,}; "
            "give it in parts, or as .npy",
        )
    try:
        text = data.decode("utf-8-sig")
        lines = [tuple(cell.strip() for cell in line) for line in _reader(text)]
    except UnicodeDecodeError as error:
        raise DecodeError(
            f"{where}: byte {error.start} is not UTF-8; save it as CSV in UTF-8",
        ) from error
    except csv.Error as error:
        raise DecodeError(f"{where}: it is no CSV file ({error}); save it again") from error
    columns = lines[0] if lines else ()
    _check_columns(columns, where)
    # A line without a cell is an empty line, except where a line has one cell only.
    rows = [line or ("",) for line in lines[1:] if line or len(columns) == 1]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise DecodeError(
                f"{where}: row {number} has {len(row)} cells for {len(columns)} columns; separate "
                "cells by commas, and quote those that hold one",
            )
    return CsvTable(columns, tuple(rows))


def _reader(text: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), strict=True)


def _check_columns(columns: tuple[str, ...], where: str) -> None:
    if not any(columns):
        raise DecodeError(f"{where}: its first line is empty; it must name the columns")
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise DecodeError(
                f"{where}: column {shown(column)} is named twice; keep one",
            )
        seen.add(column)
