"""Writes lines to the disk, in one thread; what it returns a receipt for is stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.disk import Disk
from edge.kiosk.journal.elapsed_clock import ElapsedClock, Moment
from edge.kiosk.journal.entry import JournalEntry, encode_entry
from edge.kiosk.journal.errors import JournalError
from edge.kiosk.journal.line import FORMAT, seal
from edge.kiosk.journal.recovery import Continuation, recover
from edge.kiosk.journal.removal import plan_removal, total_bytes
from edge.kiosk.journal.segment import Anchor

__all__ = ["ChainWriter", "EncodedEntry", "Receipt"]

_LINK_BYTES = 256
"""More than the digests, the sequences and the framing of a line take."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry is on the disk.

    Attributes:
        sequence: its number.
        digest: SHA-256 in hex of its line.
    """

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class EncodedEntry:
    """An entry that may be written.

    Attributes:
        moment: when it was made.
        encoded: as `encode_entry` gives it.
    """

    moment: Moment
    encoded: bytes

    @property
    def line_bytes(self) -> int:
        """What its line takes at most."""
        return len(self.encoded) + _LINK_BYTES

    @classmethod
    def of(cls, entry: JournalEntry) -> EncodedEntry:
        """Encode and check an entry.

        Raises:
            JournalError: it may not be written.
        """
        moment = Moment(entry.time_ns, entry.boot_id, entry.monotonic_ns)
        return cls(moment, encode_entry(entry))

    @classmethod
    def own(cls, code: str, numbers: dict[str, int], moment: Moment | None = None) -> EncodedEntry:
        """What the journal itself has to tell; `moment` is that of what made it tell."""
        entry = JournalEntry(kind="journal", code=code, numbers=numbers)
        if moment is not None:
            entry = msgspec.structs.replace(
                entry,
                time_ns=moment.time_ns,
                boot_id=moment.boot_id,
                monotonic_ns=moment.monotonic_ns,
            )
        return cls.of(entry)


@dataclass(slots=True)
class _Lines:
    """Lines that are not yet written, and where the chain is behind them."""

    anchor: Anchor
    clock: ElapsedClock
    synced: int
    data: bytearray
    receipts: list[Receipt]

    def add(self, entry: EncodedEntry) -> None:
        self._seal(entry.encoded)
        self.clock = self.clock.advanced(entry.moment)

    def add_head(self, place: Continuation) -> None:
        # Its clocks are those of the line before, so that it says when the segment before ended.
        head = {
            "kind": "segment",
            "time_ns": self.clock.at.time_ns,
            "boot_id": self.clock.at.boot_id,
            "monotonic_ns": self.clock.at.monotonic_ns,
            "format": FORMAT,
            "chain": place.chain.number,
            "elapsed_ns": self.clock.elapsed_ns,
            "is_first": place.is_first,
            "follows": place.follows,
        }
        self._seal(msgspec.json.encode(head))

    def _seal(self, encoded: bytes) -> None:
        sequence = self.anchor.sequence + 1
        link = f'{{"sequence":{sequence},"synced":{self.synced},"previous":"{self.anchor.digest}",'
        line, digest = seal(link.encode() + encoded[1:])
        self.data += line
        self.anchor = Anchor(sequence, digest)
        self.receipts.append(Receipt(sequence, digest))


class ChainWriter:
    """Appends to the newest chain of a journal. Not for more than one thread.

    Args:
        folder: the journal's, which exists and is locked.
        limits: the bounds.
        disk: what writes.

    Attributes:
        size_bytes: what all files of the journal take.
        found: where the journal was to be continued when it was opened; None before.
    """

    def __init__(self, folder: Path, limits: JournalLimits, disk: Disk) -> None:
        self._folder = folder
        self._limits = limits
        self._disk = disk
        self._place: Continuation | None = None
        self._file: int | None = None
        # A new segment that was begun and failed: nothing in it was acknowledged.
        self._leftover: Path | None = None
        self._is_clean = False
        self.size_bytes = 0
        self.found: Continuation | None = None

    @property
    def last_sequence(self) -> int:
        """Of the last line that is stored; 0 before any."""
        return 0 if self._place is None else self._place.anchor.sequence

    def prepare(self) -> Continuation:
        """Make the disk agree with what was acknowledged.

        Raises:
            OSError: it cannot be done now; it may be tried again.
            JournalError: a newer version of the program wrote the journal.
        """
        if self._place is None:
            self.found = recover(self._folder, self._disk)
            self._place = self.found
            self.size_bytes = total_bytes(self._folder)
        place = self._place
        if self._is_clean:
            return place
        if self._leftover is not None:
            self._disk.remove(self._leftover)
            self._disk.sync_folder(self._leftover.parent)
            self._leftover = None
        if self._file is None and place.segment is not None:
            self._open_segment(place, place.segment)
        self._is_clean = True
        return place

    def write(self, entries: Sequence[EncodedEntry]) -> list[Receipt]:
        """Write entries with one sync.

        Returns:
            Receipts, all of them stored: where the journal had something to tell first, more
            than there are entries, theirs at the end.

        Raises:
            OSError: none of them is stored.
            JournalError: the disk is as full as it may become; none of them is stored.
        """
        place = self.prepare()
        size = sum(each.line_bytes for each in entries)
        self._check_room(size)
        if place.torn_bytes:
            moment = entries[0].moment if entries else None
            cut = EncodedEntry.own("torn_end_cut", {"bytes": place.torn_bytes}, moment)
            entries = [cut, *entries]
        return self._write_checked(place, entries, size)

    def close(self) -> None:
        """Close the file."""
        self._is_clean = False
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                self._disk.close(file)

    def _write_checked(
        self, place: Continuation, entries: Sequence[EncodedEntry], size: int
    ) -> list[Receipt]:
        with self._closing_on_failure():
            if self._file is None or not self._disk.has_name(self._file):
                return self._begin_segment(place, entries)
            if self._is_segment_done(place, size, entries[-1].moment):
                return self._begin_segment(place, entries)
            return self._append(self._file, place, entries)

    @contextlib.contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            # At once where it works, so that no half line stays; else before the next write.
            with contextlib.suppress(OSError):
                self.prepare()
            raise

    def _open_segment(self, place: Continuation, segment: Path) -> None:
        try:
            file = self._disk.open(segment)
        except FileNotFoundError:
            # Somebody removed it; the chain goes on in a new segment, and `verify` tells.
            return
        try:
            # A process that was killed may have left lines and names that nobody synced.
            self._disk.truncate(file, place.segment_bytes)
            self._disk.sync(file)
            self._disk.sync_folder(place.chain.path)
            self._disk.sync_folder(self._folder)
        except OSError:
            self._disk.close(file)
            raise
        self._file = file

    def _check_room(self, size: int) -> None:
        free = self._disk.free_bytes(self._folder)
        if free - size < self._limits.min_free_bytes:
            raise JournalError(
                f"the journal {self._folder} is not written: {free >> 20} MiB are left on its "
                f"disk, {self._limits.min_free_bytes >> 20} are kept free; free the disk, or give "
                "the journal a smaller bound"
            )

    def _is_segment_done(self, place: Continuation, size: int, now: Moment) -> bool:
        if place.segment_bytes + size > self._limits.roll_bytes:
            return True
        if self.size_bytes > self._limits.max_bytes:
            return True
        if self._limits.roll_age_ns is None or place.clock is None:
            return False
        elapsed_ns = place.clock.advanced(now).elapsed_ns
        return elapsed_ns - place.segment_began_ns > self._limits.roll_age_ns

    def _lines(self, place: Continuation, first: Moment) -> _Lines:
        clock = ElapsedClock(first) if place.clock is None else place.clock
        return _Lines(place.anchor, clock, place.anchor.sequence, bytearray(), [])

    def _append(
        self, file: int, place: Continuation, entries: Sequence[EncodedEntry]
    ) -> list[Receipt]:
        lines = self._lines(place, entries[0].moment)
        for each in entries:
            lines.add(each)
        self._disk.write(file, bytes(lines.data))
        self._disk.sync(file)
        self._place = Continuation(
            place.chain,
            lines.anchor,
            lines.clock,
            segment=place.segment,
            segment_bytes=place.segment_bytes + len(lines.data),
            segment_began_ns=place.segment_began_ns,
        )
        self.size_bytes += len(lines.data)
        return lines.receipts

    def _begin_segment(self, place: Continuation, entries: Sequence[EncodedEntry]) -> list[Receipt]:
        lines = self._lines(place, entries[0].moment)
        began_ns = lines.clock.elapsed_ns
        now = entries[0].moment
        first = place.anchor.sequence + 1
        span = (began_ns, lines.clock.advanced(now).elapsed_ns)
        removal = plan_removal(self._folder, first, span, self._limits)
        lines.add_head(place)
        for chain, kept in removal.first_kept:
            record = {"chain": chain, "first_kept": kept}
            lines.add(EncodedEntry.own("removed_by_bounds", record, now))
        for each in entries:
            lines.add(each)
        path = place.chain.segment_path(first)
        self._store_new(place, path, bytes(lines.data))
        self._place = Continuation(
            place.chain,
            lines.anchor,
            lines.clock,
            segment=path,
            segment_bytes=len(lines.data),
            segment_began_ns=began_ns,
        )
        self.size_bytes += len(lines.data)
        # The entries are stored; what failed to go now is over the bound at the next segment again.
        with contextlib.suppress(OSError):
            removal.carry_out(self._disk)
            self.size_bytes = total_bytes(self._folder)
        return lines.receipts[-len(entries) :]

    def _store_new(self, place: Continuation, path: Path, data: bytes) -> None:
        if not place.chain.path.is_dir():
            self._disk.make_folder(place.chain.path)
        self._leftover = path
        file = self._disk.open(path, is_new=True)
        try:
            self._disk.write(file, data)
            self._disk.sync(file)
            self._disk.sync_folder(place.chain.path)
            self._disk.sync_folder(self._folder)
        except BaseException:
            self._disk.close(file)
            raise
        self._leftover = None
        if self._file is not None:
            self._disk.close(self._file)
        self._file = file
