"""A disk that fails when it is told to."""

import errno
import os
from pathlib import Path

from edge.kiosk.journal.disk import Disk


class FailingDisk(Disk):
    """Fails steps by name.

    Attributes:
        failing: error number by the name of the step that fails.
        part: how much of a failing write still reaches the file, 0..1.
        steps: the names of all that was done.
    """

    def __init__(self) -> None:
        self.failing: dict[str, int] = {}
        self.part = 0.5
        self.steps: list[str] = []

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name in self.failing:
            number = self.failing[name]
            raise OSError(number, os.strerror(number))

    def fill(self) -> None:
        """As a full disk: nothing grows, and no file can be made."""
        self.failing = {"write": errno.ENOSPC, "create": errno.ENOSPC, "make_folder": errno.ENOSPC}

    def open(self, path: Path, *, is_new: bool = False) -> int:
        self._step("create" if is_new else "open")
        return super().open(path, is_new=is_new)

    def write(self, descriptor: int, data: bytes) -> None:
        if "write" in self.failing:
            super().write(descriptor, data[: int(len(data) * self.part)])
        self._step("write")
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._step("sync")
        super().sync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._step("truncate")
        super().truncate(descriptor, size)

    def sync_folder(self, path: Path) -> None:
        self._step("sync_folder")
        super().sync_folder(path)

    def make_folder(self, path: Path) -> None:
        self._step("make_folder")
        super().make_folder(path)

    def rename(self, old: Path, new: Path) -> None:
        self._step("rename")
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        self._step("remove")
        super().remove(path)
