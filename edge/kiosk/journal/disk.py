"""The few things that a journal does to a disk, so that tests can stand in between."""

from __future__ import annotations

import os
from pathlib import Path

from edge.stored_files import sync_folder

__all__ = ["Disk"]

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class Disk:
    """Files by descriptor, folders by path. Every method may raise `OSError`."""

    def open(self, path: Path, *, is_new: bool = False) -> int:
        """Open a file to append to; a new one is empty and readable by its owner only."""
        return os.open(path, _FLAGS | (os.O_CREAT | os.O_TRUNC if is_new else 0), 0o600)

    def close(self, descriptor: int) -> None:
        """Close a file; says nothing about what is on the disk."""
        os.close(descriptor)

    def write(self, descriptor: int, data: bytes) -> None:
        """Append all of it, or fail after any part of it."""
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]

    def sync(self, descriptor: int) -> None:
        """Return when the content and the length are on the disk."""
        os.fdatasync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(descriptor, size)

    def has_name(self, descriptor: int) -> bool:
        """Whether the file is still in some folder."""
        return os.fstat(descriptor).st_nlink > 0

    def sync_folder(self, path: Path) -> None:
        """Return when the names in a folder are on the disk."""
        sync_folder(path)

    def make_folder(self, path: Path) -> None:
        """Make a folder that only its owner may enter; its parent's names are not synced."""
        path.mkdir(mode=0o700)

    def rename(self, old: Path, new: Path) -> None:
        """Give a folder another name."""
        old.rename(new)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is no failure."""
        path.unlink(missing_ok=True)

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

    def free_bytes(self, path: Path) -> int:
        """What may still be written to the disk of a folder without special rights."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize
