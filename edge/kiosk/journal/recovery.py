"""Finds where a journal is to be continued, after whatever happened to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.kiosk.journal.disk import Disk
from edge.kiosk.journal.elapsed_clock import ElapsedClock
from edge.kiosk.journal.errors import BrokenChainError
from edge.kiosk.journal.layout import ChainFolder, StoredFile, list_chains, newest_chain
from edge.kiosk.journal.line import MAX_LINE_BYTES, NO_DIGEST, Line, read_line
from edge.kiosk.journal.segment import Anchor
from edge.kiosk.journal.tail import Tail, clock_of_head, find_tail, moment_of

__all__ = ["Continuation", "recover"]


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where the next line goes.

    Attributes:
        chain: the folder, which need not exist where there is no segment.
        anchor: the last line of the journal.
        clock: as of that line; None where no line tells.
        segment: the file to append to; None where a new one is to be begun.
        segment_bytes: what is in it.
        segment_began_ns: the journal's time at its beginning.
        is_first: the next segment begins the chain.
        follows: name of the folder that was set aside before this chain, "" where none was.
        torn_bytes: what was cut off after the last line and is not yet told by an entry.
        set_aside: why the chain before was set aside just now, "" where none was.
    """

    chain: ChainFolder
    anchor: Anchor
    clock: ElapsedClock | None
    segment: Path | None = None
    segment_bytes: int = 0
    segment_began_ns: int = 0
    is_first: bool = False
    follows: str = ""
    torn_bytes: int = 0
    set_aside: str = ""


def recover(journal: Path, disk: Disk) -> Continuation:
    """Cut off a torn end, set a damaged chain aside, and say where to go on.

    What is cut off is kept beside the segment. Interrupted anywhere, it can be called again.

    Raises:
        OSError: the disk failed, or is full.
        JournalError: a newer version of the program wrote the journal.
    """
    chains = list_chains(journal)
    chain = newest_chain(chains)
    if chain is None:
        return _new_chain(journal, "")
    for segment in reversed(chain.segments()):
        tail = find_tail(segment.path, segment.sequence)
        if tail.damage:
            _set_aside(journal, chain, disk)
            return _new_chain(journal, f"{segment.path.name}: {tail.damage}")
        if tail.whole_bytes < segment.size_bytes or tail.anchor is None:
            _cut(chain, segment, tail, disk)
        if tail.anchor is not None:
            return _continued(chain, segment, tail)
    return _first_segment(chains, chain, "")


def _set_aside(journal: Path, chain: ChainFolder, disk: Disk) -> None:
    aside = ChainFolder.make(journal, chain.number, is_damaged=True)
    if aside.path.exists():  # somebody put an older one back
        aside = ChainFolder.make(journal, _next_number(journal), is_damaged=True)
    disk.rename(chain.path, aside.path)
    disk.sync_folder(journal)


def _next_number(journal: Path) -> int:
    return max((each.number for each in list_chains(journal)), default=0) + 1


def _continued(chain: ChainFolder, segment: StoredFile, tail: Tail) -> Continuation:
    if tail.anchor is None:  # pragma: no cover - the caller has looked
        raise AssertionError
    with segment.path.open("rb") as file:
        head = read_line(file.readline(MAX_LINE_BYTES))
    torn = chain.torn_end_path(tail.anchor.sequence)
    return Continuation(
        chain,
        tail.anchor,
        tail.clock,
        segment=segment.path,
        segment_bytes=tail.whole_bytes,
        segment_began_ns=head.link.elapsed_ns,
        # An entry that tells of it would be the last line now.
        torn_bytes=torn.stat().st_size if torn.exists() else 0,
    )


def _cut(chain: ChainFolder, segment: StoredFile, tail: Tail, disk: Disk) -> None:
    last = segment.sequence - 1 if tail.anchor is None else tail.anchor.sequence
    if tail.rest:
        kept = disk.open(chain.torn_end_path(last), is_new=True)
        try:
            disk.write(kept, tail.rest)
            disk.sync(kept)
        finally:
            disk.close(kept)
        disk.sync_folder(chain.path)
    if tail.anchor is None:
        disk.remove(segment.path)
        disk.sync_folder(chain.path)
        return
    file = disk.open(segment.path)
    try:
        disk.truncate(file, tail.whole_bytes)
        disk.sync(file)
    finally:
        disk.close(file)


def _new_chain(journal: Path, set_aside: str) -> Continuation:
    chain = ChainFolder.make(journal, _next_number(journal))
    return _first_segment(list_chains(journal), chain, set_aside)


def _first_segment(chains: list[ChainFolder], chain: ChainFolder, set_aside: str) -> Continuation:
    before = next((each for each in reversed(chains) if each.is_damaged), None)
    if before is None:
        return Continuation(chain, Anchor(0, NO_DIGEST), None, is_first=True)
    anchor, clock = _last_readable(before)
    return Continuation(
        chain, anchor, clock, is_first=True, follows=before.path.name, set_aside=set_aside
    )


def _last_readable(chain: ChainFolder) -> tuple[Anchor, ElapsedClock | None]:
    """The last line of a damaged chain that has its own digest, and the clock as far as known."""
    for segment in reversed(chain.segments()):
        last: Line | None = None
        clock: ElapsedClock | None = None
        highest = segment.sequence
        for line in _readable_lines(segment.path):
            last = line
            highest = max(highest, line.link.sequence)
            if line.link.kind == "segment":
                clock = clock_of_head(line.link)
            elif clock is not None:
                clock = clock.advanced(moment_of(line.link))
        if last is not None:
            return Anchor(highest, last.digest), clock
    named = max((each.sequence for each in chain.segments()), default=0)
    return Anchor(named, NO_DIGEST), None


def _readable_lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        while raw := file.readline(MAX_LINE_BYTES + 1):
            try:
                line = read_line(raw)
            except BrokenChainError:
                continue
            yield line
