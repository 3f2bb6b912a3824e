"""Ways of storing entries chained by hash, each durable before it returns."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.chain_writer import ChainWriter, EncodedEntry
from edge.kiosk.journal.disk import Disk
from edge.kiosk.journal.entry import JournalEntry, encode_entry
from edge.kiosk.journal.journal import Journal
from edge.kiosk.journal.line import NO_DIGEST

__all__ = ["CONTESTANTS", "Contestant", "FilesInThisThread", "KioskJournal", "SqliteJournal"]


class Contestant(Protocol):
    """Stores entries in a folder of its own."""

    def store(self, entries: Sequence[JournalEntry]) -> None:
        """Return when all of them are on the disk; they may share one sync."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class KioskJournal:
    """The kiosk's journal as the service uses it: another thread writes."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder)

    def store(self, entries: Sequence[JournalEntry]) -> None:
        """Submit all, wait for all."""
        for each in [self._journal.submit(entry) for entry in entries]:
            each.result()

    def close(self) -> None:
        """Close it."""
        self._journal.close()


class FilesInThisThread:
    """The same files, without a change of thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._writer = ChainWriter(folder, JournalLimits(), Disk())

    def store(self, entries: Sequence[JournalEntry]) -> None:
        """Write all with one sync."""
        self._writer.write([EncodedEntry.of(entry) for entry in entries])

    def close(self) -> None:
        """Close it."""
        self._writer.close()


class SqliteJournal:
    """One table in SQLite: WAL, and `synchronous=FULL`, so that a commit survives a power loss.

    Like the files it checks each entry, hashes it and chains it. It has no thread of its own, no
    bounds and no lock, so it does a little less.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._database = sqlite3.connect(folder / "journal.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute(
            "CREATE TABLE entries (sequence INTEGER PRIMARY KEY, digest TEXT, body TEXT)"
        )
        self._sequence = 0
        self._digest = NO_DIGEST

    def store(self, entries: Sequence[JournalEntry]) -> None:
        """One transaction."""
        self._database.execute("BEGIN")
        for entry in entries:
            self._sequence += 1
            link = f'{{"sequence":{self._sequence},"previous":"{self._digest}",'.encode()
            body = link + encode_entry(entry)[1:]
            self._digest = hashlib.sha256(body).hexdigest()
            self._database.execute(
                "INSERT INTO entries VALUES (?, ?, ?)",
                (self._sequence, self._digest, body.decode()),
            )
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Close it."""
        self._database.close()


CONTESTANTS: Mapping[str, Callable[[Path], Contestant]] = {
    "journal": KioskJournal,
    "journal, same thread": FilesInThisThread,
    "SQLite": SqliteJournal,
}
"""By the name in the record."""
