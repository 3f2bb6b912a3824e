"""Where a segment ends: whole, torn by a power loss, or damaged.

A power loss takes only lines that were not yet synced. Each line says up to which sequence
everything was on the disk before it was written, so a torn end can be told from damage:

* Where a whole line follows the broken place that was written after what is broken had been
  stored, this is damage.
* Where a broken line has its newline and no zeros, something else wrote it: damage.
* Where more is broken than is written with one sync: damage.
* What is left is torn: no newline at the end, or pages of zeros that were never filled.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge.kiosk.journal.elapsed_clock import ElapsedClock, Moment
from edge.kiosk.journal.errors import BrokenChainError
from edge.kiosk.journal.line import MAX_GROUP_BYTES, Line, Link, read_line
from edge.kiosk.journal.segment import Anchor, read_segment

__all__ = ["Tail", "clock_of_head", "find_tail", "moment_of"]

_LONGEST_TORN_BYTES = MAX_GROUP_BYTES + (1 << 20)
"""More than one write: the lines that share a sync, and the head of a new segment."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a segment.

    Attributes:
        anchor: its last good line; None where it has none.
        clock: as of that line.
        whole_bytes: up to that line's end.
        rest: what follows and was torn.
        damage: why the segment may not be continued, "" where it may.
    """

    anchor: Anchor | None
    clock: ElapsedClock | None
    whole_bytes: int
    rest: bytes
    damage: str = ""


def moment_of(link: Link) -> Moment:
    """When a line was written."""
    return Moment(link.time_ns, link.boot_id, link.monotonic_ns)


def clock_of_head(link: Link) -> ElapsedClock:
    """The clock as the first line of a segment states it."""
    return ElapsedClock(moment_of(link), link.elapsed_ns)


def find_tail(path: Path, first_sequence: int) -> Tail:
    """Read a segment to its end.

    Raises:
        OSError: it cannot be read.
        JournalError: a newer version of the program wrote it.
    """
    anchor: Anchor | None = None
    clock: ElapsedClock | None = None
    whole = 0
    with path.open("rb") as file:
        try:
            for line in read_segment(file, first_sequence, None):
                clock = clock_of_head(line.link) if clock is None else _advance(clock, line)
                anchor = Anchor(line.link.sequence, line.digest)
                whole += len(line.raw)
        except BrokenChainError as error:
            file.seek(whole)
            rest, damage = _judge(file, anchor, str(error))
            return Tail(anchor, clock, whole, rest, damage)
    return Tail(anchor, clock, whole, b"")


def _advance(clock: ElapsedClock, line: Line) -> ElapsedClock:
    return clock.advanced(moment_of(line.link))


def _judge(file: BinaryIO, anchor: Anchor | None, reason: str) -> tuple[bytes, str]:
    """What is torn, or why it is damage."""
    rest = file.read(_LONGEST_TORN_BYTES + 1)
    last_good = 0 if anchor is None else anchor.sequence
    if len(rest) > _LONGEST_TORN_BYTES:
        return b"", f"after entry {last_good}: {reason}"
    was_stored = any(link.synced > last_good for link in _whole_lines(rest))
    has_zeros = b"\0" in rest
    if was_stored or (rest.endswith(b"\n") and not has_zeros):
        return b"", f"after entry {last_good}: {reason}"
    return rest, ""


def _whole_lines(rest: bytes) -> list[Link]:
    found = []
    # A line may begin after zeros, so each is also looked for behind the last of them.
    pieces = itertools.chain.from_iterable(
        (raw, raw.rpartition(b"\0")[2]) for raw in rest.splitlines(keepends=True)
    )
    for raw in pieces:
        try:
            found.append(read_line(raw).link)
        except BrokenChainError:
            continue
    return found
