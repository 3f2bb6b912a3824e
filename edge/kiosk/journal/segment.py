"""Reads the lines of a segment, each checked against the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from edge.kiosk.journal.errors import BrokenChainError, JournalError
from edge.kiosk.journal.line import FORMAT, MAX_LINE_BYTES, Line, read_line

__all__ = ["Anchor", "check_line", "read_segment"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the next line hangs on.

    Attributes:
        sequence: of the line before.
        digest: of the line before.
    """

    sequence: int
    digest: str


def read_segment(file: BinaryIO, first_sequence: int, anchor: Anchor | None) -> Iterator[Line]:
    """The lines of a segment, as far as they are right.

    Args:
        file: the segment from its beginning.
        first_sequence: of its name.
        anchor: the last line of the segment before; None where that is not known, so that its
            first line is believed.

    Raises:
        BrokenChainError: the next line is not the one that belongs there.
        JournalError: a newer version of the program wrote the segment.
    """
    is_head = True
    while raw := file.readline(MAX_LINE_BYTES + 1):
        line = read_line(raw)
        check_line(line, anchor, first_sequence if is_head else None)
        yield line
        anchor = Anchor(line.link.sequence, line.digest)
        is_head = False
    if is_head:
        raise BrokenChainError("the segment is empty")


def check_line(line: Line, anchor: Anchor | None, head_sequence: int | None) -> None:
    """Check a line against its place.

    Args:
        line: its own digest is right.
        anchor: the line before; None where that is not known.
        head_sequence: of the segment's name where this is its first line, else None.

    Raises:
        BrokenChainError: it does not belong there.
        JournalError: a newer version of the program wrote the segment.
    """
    if head_sequence is not None:
        _check_head(line, head_sequence)
    elif line.link.kind == "segment":
        raise BrokenChainError("the first line of a segment stands in the middle of one")
    if anchor is not None:
        _check_link(line, anchor)
    if line.link.synced >= line.link.sequence:
        raise BrokenChainError("the line says that it was stored before it was written")


def _check_head(line: Line, first_sequence: int) -> None:
    link = line.link
    if link.kind != "segment":
        raise BrokenChainError("the segment does not begin with its head")
    if link.format > FORMAT:
        raise JournalError(
            f"the journal has format {link.format}, this program knows {FORMAT}; use the version "
            "that wrote it, or name another folder"
        )
    if link.sequence != first_sequence:
        raise BrokenChainError(
            f"the segment is named for entry {first_sequence} and begins with {link.sequence}"
        )


def _check_link(line: Line, anchor: Anchor) -> None:
    link = line.link
    if link.sequence != anchor.sequence + 1:
        raise BrokenChainError(
            f"entry {link.sequence} stands where {anchor.sequence + 1} belongs: entries were "
            "removed, inserted or moved"
        )
    if link.previous != anchor.digest:
        raise BrokenChainError(
            f"entry {link.sequence} was not written after the entry {anchor.sequence} that is "
            "there: one of them was replaced"
        )
