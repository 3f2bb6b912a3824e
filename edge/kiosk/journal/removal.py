"""Which files the bounds remove, told by an entry before they go."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from edge.kiosk.journal.bounds import JournalLimits, Piece, count_removable
from edge.kiosk.journal.disk import Disk
from edge.kiosk.journal.errors import BrokenChainError
from edge.kiosk.journal.layout import StoredFile, list_chains
from edge.kiosk.journal.line import MAX_LINE_BYTES, read_line

__all__ = ["Removal", "plan_removal", "total_bytes"]


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to go.

    Attributes:
        files: the oldest first.
        first_kept: for each chain that loses segments: its number, and the sequence of the
            first line that stays in the journal.
    """

    files: tuple[Path, ...] = ()
    first_kept: tuple[tuple[int, int], ...] = ()

    def carry_out(self, disk: Disk) -> None:
        """Remove the files, the oldest first.

        Raises:
            OSError: some are still there.
        """
        for path in self.files:
            disk.remove(path)
        for folder in dict.fromkeys(path.parent for path in self.files):
            disk.sync_folder(folder)
            if folder.name.startswith("damaged-"):
                # Not empty as long as segments are left.
                with contextlib.suppress(OSError):
                    disk.remove_folder(folder)


def total_bytes(journal: Path) -> int:
    """What all files of all chains take.

    Raises:
        OSError: the folder cannot be read.
    """
    return sum(each.size_bytes for each in _all_files(journal))


def plan_removal(
    journal: Path, next_sequence: int, span_ns: tuple[int, int], limits: JournalLimits
) -> Removal:
    """Choose what goes when a new segment is begun.

    Args:
        journal: the folder.
        next_sequence: of the new segment, which is not there yet.
        span_ns: the journal's time at its last line, and now.
        limits: the bounds.

    Raises:
        OSError: the folder cannot be read.
    """
    files = [(chain.number, file) for chain in list_chains(journal) for file in chain.files()]
    pieces: list[Piece] = []
    ended_ns, now_ns = span_ns
    for _, file in reversed(files):
        pieces.insert(0, Piece(file.size_bytes, ended_ns))
        if limits.max_age_ns is not None and not file.is_torn_end:
            ended_ns = _began_ns(file, ended_ns)
    count = count_removable(pieces, now_ns, limits)
    kept = [*((file.sequence, file.is_torn_end) for _, file in files[count:])]
    first = next((sequence for sequence, is_torn_end in kept if not is_torn_end), next_sequence)
    numbers = dict.fromkeys(number for number, file in files[:count] if not file.is_torn_end)
    return Removal(
        tuple(file.path for _, file in files[:count]), tuple((each, first) for each in numbers)
    )


def _began_ns(file: StoredFile, otherwise_ns: int) -> int:
    """The journal's time at the beginning of a segment, as its head says."""
    try:
        with file.path.open("rb") as opened:
            return read_line(opened.readline(MAX_LINE_BYTES)).link.elapsed_ns
    except (OSError, BrokenChainError):
        return otherwise_ns


def _all_files(journal: Path) -> list[StoredFile]:
    return [file for chain in list_chains(journal) for file in chain.files()]
