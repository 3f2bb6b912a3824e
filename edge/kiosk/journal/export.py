"""Writes a journal out, checking it on the way."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from edge.errors import OutputError
from edge.kiosk.journal.chain_reader import Break, read_chain
from edge.kiosk.journal.csv_rows import CSV_COLUMNS, csv_row
from edge.kiosk.journal.errors import BrokenChainError
from edge.kiosk.journal.existing_journal import existing_chains, is_written, reading_errors
from edge.kiosk.journal.line import Line
from edge.stored_files import new_stored_file, sync_folder

__all__ = ["ExportOptions", "Exported", "export_journal"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to write.

    Attributes:
        form: "jsonl": the lines as they are, so that they can be verified; "csv": a table
            without the journal's own segment heads.
        since_ns: entries from this wall-clock time on, nanoseconds since 1970.
        until_ns: entries before this time.
        keeps_going: leave out what is broken, rather than write nothing.
    """

    form: Literal["jsonl", "csv"] = "jsonl"
    since_ns: int | None = None
    until_ns: int | None = None
    keeps_going: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        lines: how many entries.
        breaks: how many places of the chain are broken; 0 unless told to keep going.
    """

    lines: int
    breaks: int


def export_journal(folder: Path, output: Path, options: ExportOptions) -> Exported:
    """Write the entries to a file: all of it or none, readable by its owner only.

    Raises:
        InputError: there is no journal, or it cannot be read.
        BrokenChainError: a chain is broken; nothing was written.
        OutputError: the file cannot be written; what was there before is untouched.
        JournalError: a newer version of the program wrote the journal.
    """
    lines = breaks = 0
    with _whole_file(output) as file:
        write = _row_writer(file) if options.form == "csv" else _line_writer(file)
        for item in _items(folder):
            if isinstance(item, Line):
                if _is_selected(item, options):
                    write(item)
                    lines += 1
                continue
            breaks += 1
            if not options.keeps_going:
                raise BrokenChainError(
                    f"broken: {item}; nothing was written, --keep-going leaves out what is broken"
                )
    return Exported(lines, breaks)


def _items(folder: Path) -> Iterator[Line | Break]:
    with reading_errors(folder):
        chains = existing_chains(folder)
        for chain in chains:
            yield from read_chain(chain, is_written=is_written(folder))


def _is_selected(line: Line, options: ExportOptions) -> bool:
    if options.form == "csv" and line.link.kind == "segment":
        return False
    is_late = options.since_ns is None or line.link.time_ns >= options.since_ns
    return is_late and (options.until_ns is None or line.link.time_ns < options.until_ns)


def _line_writer(file: BinaryIO) -> Callable[[Line], object]:
    return lambda line: file.write(line.raw)


def _row_writer(file: BinaryIO) -> Callable[[Line], object]:
    def write_row(cells: Sequence[str]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerow(cells)
        file.write(text.getvalue().encode("utf-8", "replace"))

    write_row(CSV_COLUMNS)
    return lambda line: write_row(csv_row(line))


@contextmanager
def _whole_file(output: Path) -> Iterator[BinaryIO]:
    aside = output.with_name(f".edge-{os.urandom(8).hex()}.partial")
    try:
        with new_stored_file(aside, mode=0o600) as file:
            yield file
        aside.replace(output)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {output}: {error.strerror}; free the disk or name another place"
        ) from error
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # some file systems cannot do this; the content itself is stored
        sync_folder(output.parent)
