"""Reads a chain from its first line to its last, telling each place where it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.kiosk.journal.errors import BrokenChainError
from edge.kiosk.journal.layout import ChainFolder, StoredFile
from edge.kiosk.journal.line import MAX_LINE_BYTES, Line, read_line
from edge.kiosk.journal.segment import Anchor, check_line
from edge.kiosk.journal.tail import find_tail

__all__ = ["Break", "read_chain"]

_MOST_HELD = 100


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain is broken.

    Attributes:
        file: the segment, as "chain-000001/00000000000000000001.jsonl".
        after: the last good line before it in the chain, 0 where there is none.
        what: what is wrong.
    """

    file: str
    after: int
    what: str

    def __str__(self) -> str:
        """One line: where and what."""
        place = f"{self.file} after entry {self.after}" if self.after else self.file
        return f"{place}: {self.what}"


def read_chain(chain: ChainFolder, *, is_written: bool = False) -> Iterator[Line | Break]:
    """Every line that has its own digest, and every place where the chain is broken.

    Behind a break the next line that can be read is believed to be at its place. One line is
    held at a time, however large the files are.

    Args:
        chain: which.
        is_written: a service is writing to it, so that its end may be a part of a line.

    Raises:
        FileNotFoundError: a segment has gone in the meantime.
        OSError: a file cannot be read.
        JournalError: a newer version of the program wrote it.
    """
    at_end: list[Break] = []
    for item in _read_segments(chain):
        if isinstance(item, Break):
            at_end.append(item)
            del at_end[_MOST_HELD:]
        else:
            yield from at_end
            at_end.clear()
            yield item
    if at_end:
        yield from _judge_end(chain, at_end, is_written=is_written)


def _judge_end(chain: ChainFolder, at_end: list[Break], *, is_written: bool) -> Iterator[Break]:
    """Tell a torn end, behind which there is no line, from damage."""
    segments = chain.segments()
    if not segments:  # a service that starts took the only one away in this moment
        return
    segment = segments[-1]
    tail = find_tail(segment.path, segment.sequence)
    if tail.damage:
        yield from at_end
        return
    place = _place(chain, segment)
    yield from (each for each in at_end if each.file != place)
    if not is_written:
        what = (
            f"the last {len(tail.rest)} bytes are no whole entry, as after a loss of power; the "
            "next start of the service cuts them off, keeps them aside and records it"
        )
        yield Break(place, at_end[-1].after, what)


def _read_segments(chain: ChainFolder) -> Iterator[Line | Break]:
    anchor: Anchor | None = None
    last = 0
    for segment in chain.segments():
        for item in _read_segment(chain, segment, anchor, last):
            yield item
            if isinstance(item, Break):
                anchor = None
            else:
                last = item.link.sequence
                anchor = Anchor(last, item.digest)


def _place(chain: ChainFolder, segment: StoredFile) -> str:
    return f"{chain.path.name}/{segment.path.name}"


def _read_segment(
    chain: ChainFolder, segment: StoredFile, anchor: Anchor | None, last: int
) -> Iterator[Line | Break]:
    place = _place(chain, segment)
    head_sequence: int | None = segment.sequence
    with segment.path.open("rb") as file:
        while raw := file.readline(MAX_LINE_BYTES + 1):
            try:
                line = read_line(raw)
            except BrokenChainError as error:
                yield Break(place, last, str(error))
                anchor = None
            else:
                try:
                    check_line(line, anchor, head_sequence)
                except BrokenChainError as error:
                    yield Break(place, last, str(error))
                yield line
                last = line.link.sequence
                anchor = Anchor(last, line.digest)
            head_sequence = None
    if head_sequence is not None:
        yield Break(place, last, "the segment is empty")
