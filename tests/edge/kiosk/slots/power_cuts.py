"""What a loss of power would leave of a folder, at every step of what is done to it.

Watches a process's own calls: names change at the audit events of `open`, `rename` and `remove`,
content and names become durable at `fsync`. Between two syncs of the folder each name may be as it
was or as it became, whatever the others are; what was written to a file and not synced may be
there or not. That is less than journalling file systems promise.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.chmod"}
_watchers: list[PowerCuts] = []


class PowerCuts:
    """Collects what may be left after each step.

    Attributes:
        cases: content by name, in the order of the steps.
        last: those of the last step: what was done is to be in all of them.
    """

    def __init__(self, folder: Path) -> None:
        self.cases: list[dict[str, bytes]] = []
        self.last: list[dict[str, bytes]] = []
        self._folder = folder
        self._held: list[int] = []
        self._synced: dict[int, bytes] = {}
        self._written: dict[int, bytes] = {}
        self._is_busy = False
        self._views = [self._names()]
        self._synced.update(self._written)

    def note(self) -> None:
        """A step is about to be done, or was done."""
        if self._is_busy or not self._folder.exists():
            return
        self._is_busy = True
        try:
            self._views.append(self._names())
            for case in self.survivors():
                if case not in self.cases[-12:]:
                    self.cases.append(case)
        finally:
            self._is_busy = False

    def survivors(self) -> Iterator[dict[str, bytes]]:
        """What may be left after a loss of power now."""
        names = sorted({name for view in self._views for name in view})
        choices = [list(dict.fromkeys(view.get(name) for view in self._views)) for name in names]
        for inodes in itertools.product(*choices):
            for content in ({**self._written, **self._synced}, self._written):
                yield {
                    name: content.get(inode, b"")
                    for name, inode in zip(names, inodes, strict=True)
                    if inode is not None
                }

    def note_sync(self, descriptor: int) -> None:
        """A file or the folder was synced."""
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path == self._folder.resolve():
            self._views = [self._names()]
        elif path.parent == self._folder.resolve():
            self._synced[os.fstat(descriptor).st_ino] = path.read_bytes()

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in self._held:
            os.close(descriptor)

    def _names(self) -> dict[str, int]:
        """Inodes by name; each stays open, so that its number is not given to another file."""
        found = {}
        for path in sorted(self._folder.iterdir()) if self._folder.exists() else ():
            descriptor = os.open(path, os.O_RDONLY)
            inode = os.fstat(descriptor).st_ino
            if inode in self._written:
                os.close(descriptor)
            else:
                self._held.append(descriptor)
                self._synced.setdefault(inode, b"")
            self._written[inode] = path.read_bytes()
            found[path.name] = inode
        return found


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    del arguments
    if event in _EVENTS:
        for each in _watchers:
            each.note()


sys.addaudithook(_hook)  # there is no way to take it away again


@contextmanager
def power_cuts(folder: Path) -> Iterator[PowerCuts]:
    """Watch what this process does to a folder while the block runs."""
    cuts = PowerCuts(folder)
    sync = os.fsync

    def watched_sync(descriptor: int) -> None:
        sync(descriptor)
        cuts.note_sync(descriptor)
        cuts.note()

    os.fsync = watched_sync
    _watchers.append(cuts)
    try:
        yield cuts
        cuts.note()
        cuts.last = list(cuts.survivors())
    finally:
        _watchers.remove(cuts)
        os.fsync = sync
        cuts.close()
