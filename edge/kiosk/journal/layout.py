"""Which files a journal's folder holds.

::

    lock                                     held by the one who writes
    chain-000002/                            the chain that is written to
        00000000000000000513.jsonl           a segment, named for its first line's sequence
        torn-00000000000000000977.bin        what was cut off after that line at a start
    damaged-000001/                          a chain that was set aside, as it was
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LOCK_NAME", "ChainFolder", "StoredFile", "list_chains", "newest_chain"]

LOCK_NAME = "lock"

_FOLDER = re.compile(r"(chain|damaged)-([0-9]{6})")
_FILE = re.compile(r"(torn-)?([0-9]{20})\.(jsonl|bin)")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a chain.

    Attributes:
        path: where it is.
        sequence: of a segment, its first line's; of a torn end, that of the line before it.
        is_torn_end: whether it is what was cut off.
        size_bytes: as it was when the folder was listed.
    """

    path: Path
    sequence: int
    is_torn_end: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ChainFolder:
    """The folder of one chain.

    Attributes:
        path: where it is.
        number: chains are counted from 1.
        is_damaged: it was set aside.
    """

    path: Path
    number: int
    is_damaged: bool

    @classmethod
    def make(cls, journal: Path, number: int, *, is_damaged: bool = False) -> ChainFolder:
        """The folder of a chain, which need not exist."""
        kind = "damaged" if is_damaged else "chain"
        return cls(journal / f"{kind}-{number:06d}", number, is_damaged)

    def segment_path(self, sequence: int) -> Path:
        """Where the segment is that begins with a sequence."""
        return self.path / f"{sequence:020d}.jsonl"

    def torn_end_path(self, sequence: int) -> Path:
        """Where that is kept which was cut off after a sequence."""
        return self.path / f"torn-{sequence:020d}.bin"

    def files(self) -> list[StoredFile]:
        """Its files, the oldest first; names of others' are passed over.

        Raises:
            OSError: the folder cannot be read.
        """
        return sorted(self._list_files(), key=lambda each: (each.sequence, each.is_torn_end))

    def segments(self) -> list[StoredFile]:
        """Its segments, the oldest first.

        Raises:
            OSError: the folder cannot be read.
        """
        return [each for each in self.files() if not each.is_torn_end]

    def _list_files(self) -> Iterator[StoredFile]:
        for path in self.path.iterdir():
            found = _FILE.fullmatch(path.name)
            if found is None or bool(found[1]) is (found[3] == "jsonl"):
                continue
            try:
                status = path.lstat()
            except FileNotFoundError:  # the bounds removed it in this moment
                continue
            if stat.S_ISREG(status.st_mode):  # a pipe would hold up whoever reads it
                yield StoredFile(path, int(found[2]), bool(found[1]), status.st_size)


def list_chains(journal: Path) -> list[ChainFolder]:
    """The chains in a journal's folder, the oldest first.

    Raises:
        OSError: the folder cannot be read.
    """
    found = (_FOLDER.fullmatch(each.name) for each in journal.iterdir() if each.is_dir())
    chains = [
        ChainFolder.make(journal, int(each[2]), is_damaged=each[1] == "damaged")
        for each in found
        if each is not None
    ]
    return sorted(chains, key=lambda each: (each.number, not each.is_damaged))


def newest_chain(chains: list[ChainFolder]) -> ChainFolder | None:
    """The chain that is written to, None where there is none yet."""
    return next((each for each in reversed(chains) if not each.is_damaged), None)
