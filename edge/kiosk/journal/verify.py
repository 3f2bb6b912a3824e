"""Checks a journal: that no line was changed, removed, moved or inserted.

What a chain cannot show by itself is that its end was cut off, or that somebody who may write to
the folder wrote all of it anew. Receipts that were kept elsewhere show both.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import InputNotFoundError
from edge.kiosk.journal.chain_reader import Break, read_chain
from edge.kiosk.journal.chain_writer import Receipt
from edge.kiosk.journal.existing_journal import existing_chains, is_written, reading_errors
from edge.kiosk.journal.layout import ChainFolder, newest_chain
from edge.kiosk.journal.line import NO_DIGEST, Line, Link

__all__ = ["Verification", "verify_journal"]

_MOST_BREAKS = 100
_ATTEMPTS = 4
_PAUSE_S = 0.1
_RECEIPTS = "receipts"
"""Where a break is that shows against receipts only."""


@dataclass(slots=True)
class Verification:
    """What was found.

    Attributes:
        lines: how many were read, those of the journal itself included.
        first_sequence: of the newest chain, 0 where it has no line.
        last_sequence: of the newest chain.
        last_digest: of the newest chain.
        breaks: where it is broken, at most a hundred; none where all is whole.
        notes: what is no fault but has to be said, at most a hundred, and what the beginning of
            each chain shows.
    """

    lines: int = 0
    first_sequence: int = 0
    last_sequence: int = 0
    last_digest: str = NO_DIGEST
    breaks: list[Break] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is broken or missing."""
        return not self.breaks

    def note(self, what: str) -> None:
        """Note what is no fault, unless there is too much already."""
        if len(self.notes) < _MOST_BREAKS:
            self.notes.append(what)

    def add(self, found: Break) -> None:
        """Note a break, unless there are too many already."""
        if len(self.breaks) < _MOST_BREAKS:
            self.breaks.append(found)


def verify_journal(
    folder: Path, receipts: Sequence[Receipt] = (), expected_last: Receipt | None = None
) -> Verification:
    """Read all of a journal, which may be written to meanwhile.

    Args:
        folder: of the journal.
        receipts: entries that have to be there.
        expected_last: the line that has to be the last one.

    Raises:
        InputError: there is no journal, or it cannot be read.
        JournalError: a newer version of the program wrote it.
    """
    for _ in range(_ATTEMPTS):
        found = _try_to_verify(folder, receipts, expected_last)
        # Segments go by the bounds, and a failed write that is just being taken back looks
        # broken for a moment; damage stays.
        if found is not None and (found.is_whole or not is_written(folder)):
            return found
        time.sleep(_PAUSE_S)
    with reading_errors(folder):
        return _Check(folder, receipts).run(expected_last)


def _try_to_verify(
    folder: Path, receipts: Sequence[Receipt], expected_last: Receipt | None
) -> Verification | None:
    try:
        with reading_errors(folder):
            return _Check(folder, receipts).run(expected_last)
    except InputNotFoundError:
        if folder.is_dir() and is_written(folder):
            return None
        raise


class _Check:
    """One reading of a journal."""

    def __init__(self, folder: Path, receipts: Sequence[Receipt]) -> None:
        self._folder = folder
        self._receipts = receipts
        self._wanted = {each.sequence for each in receipts}
        self._present: dict[int, set[str]] = {}
        self._heads: list[tuple[ChainFolder, Link]] = []
        self._ends: dict[str, str] = {}
        self._first_kept: dict[int, int] = {}
        self._found = Verification()

    def run(self, expected_last: Receipt | None) -> Verification:
        """Read everything, then judge what one line alone cannot show."""
        chains = existing_chains(self._folder)
        newest = newest_chain(chains)
        for chain in chains:
            self._read(chain, is_newest=chain == newest)
        for chain, head in self._heads:
            self._judge_beginning(chain, head)
        self._judge_receipts()
        if expected_last is not None:
            self._judge_end(expected_last)
        return self._found

    def _read(self, chain: ChainFolder, *, is_newest: bool) -> None:
        if chain.is_damaged:
            self._found.add(Break(chain.path.name, 0, "was set aside as damaged at a start"))
        elif not is_newest:
            self._found.add(Break(chain.path.name, 0, "was neither continued nor set aside"))
        first: Line | None = None
        last: Line | None = None
        for item in read_chain(chain, is_written=is_newest and is_written(self._folder)):
            if isinstance(item, Break):
                self._found.add(item)
                continue
            first = first or item
            last = item
            self._note_line(item)
        if first is None or last is None:
            return
        self._heads.append((chain, first.link))
        self._ends[chain.path.name] = last.digest
        if is_newest:
            self._found.first_sequence = first.link.sequence
            self._found.last_sequence = last.link.sequence
            self._found.last_digest = last.digest

    def _note_line(self, line: Line) -> None:
        self._found.lines += 1
        link = line.link
        if link.sequence in self._wanted:
            self._present.setdefault(link.sequence, set()).add(line.digest)
        if link.kind != "journal":
            return
        if link.code == "removed_by_bounds":
            chain = link.numbers.get("chain", 0)
            kept = link.numbers.get("first_kept", 0)
            self._first_kept[chain] = max(kept, self._first_kept.get(chain, 0))
        elif link.code == "torn_end_cut":
            self._found.note(
                f"after entry {link.sequence - 1} the service had stopped in the middle of "
                f"writing; {link.numbers.get('bytes', 0)} bytes were cut off and kept aside"
            )
        elif link.code == "was_failing":
            self._found.note(
                f"before entry {link.sequence} the disk failed or was full; "
                f"{link.numbers.get('refused', 0)} entries were refused"
            )

    def _judge_beginning(self, chain: ChainFolder, head: Link) -> None:
        name = chain.path.name
        if not head.is_first:
            if head.sequence > self._first_kept.get(chain.number, 0):
                what = (
                    f"the entries before {head.sequence} are missing, and no entry says that the "
                    "bounds removed them"
                )
                self._found.add(Break(name, 0, what))
            else:
                self._found.notes.append(
                    f"{name}: entries before {head.sequence} were removed by the bounds"
                )
            return
        if not head.follows:
            return
        end = self._ends.get(head.follows)
        if end is None:
            self._found.notes.append(
                f"{name} follows {head.follows}, which was set aside as damaged and is not here"
            )
        elif end != head.previous:
            what = f"it follows {head.follows}, whose end has changed since"
            self._found.add(Break(name, 0, what))

    def _judge_receipts(self) -> None:
        found = self._found
        for receipt in self._receipts:
            digests = self._present.get(receipt.sequence)
            if digests is None:
                found.add(Break(_RECEIPTS, 0, self._why_missing(receipt.sequence)))
            elif receipt.digest not in digests:
                what = f"entry {receipt.sequence} is there with another digest"
                found.add(Break(_RECEIPTS, 0, what))

    def _why_missing(self, sequence: int) -> str:
        if sequence > self._found.last_sequence:
            return (
                f"entry {sequence} is missing: the journal ends with {self._found.last_sequence}, "
                "so its end was cut off"
            )
        if any(sequence < kept for kept in self._first_kept.values()):
            return f"entry {sequence} was removed by the bounds, so nobody can check its receipt"
        return f"entry {sequence} is missing"

    def _judge_end(self, expected: Receipt) -> None:
        found = self._found
        if (expected.sequence, expected.digest) != (found.last_sequence, found.last_digest):
            what = (
                f"the journal ends with {found.last_sequence}:{found.last_digest}, not with "
                f"{expected.sequence}:{expected.digest}"
            )
            found.add(Break(_RECEIPTS, 0, what))
