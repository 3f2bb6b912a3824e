"""A bundle in a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from edge.bundle.bundle_files import OPEN_FLAGS, BundleFiles
from edge.bundle.bundle_paths import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    check_paths,
    path_fault,
)
from edge.bundle.faults import FaultList, shown
from edge.errors import BundleError

__all__ = ["FolderFiles", "list_folder"]


class FolderFiles(BundleFiles):
    """A bundle that is a folder. Symbolic links in it are refused, never followed."""

    @contextmanager
    def _located(self, name: str) -> Iterator[tuple[int, int]]:
        self._require_open()
        *folders, leaf = name.split("/")
        with ExitStack() as stack:
            descriptor = self._descriptor
            for folder in folders:
                descriptor = _open_below(descriptor, folder, os.O_DIRECTORY)
                stack.callback(os.close, descriptor)
            descriptor = _open_below(descriptor, leaf, 0)
            stack.callback(os.close, descriptor)
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size != self._sizes[name]:
                raise BundleError(f"{shown(name, 300)} changed while the bundle was open")
            yield descriptor, 0


def _open_below(folder: int, name: str, flags: int) -> int:
    return os.open(name, OPEN_FLAGS | os.O_NOFOLLOW | flags, dir_fd=folder)


def list_folder(descriptor: int) -> dict[str, int]:
    """Find the files below a folder, none of which is opened.

    Returns:
        Size in bytes by path.

    Raises:
        BundleError: a file is badly named, a link, a special file, or over a limit.
        OSError: a folder could not be read.
    """
    sizes: dict[str, int] = {}
    _walk_folder(descriptor, "", sizes, [0])
    faults = FaultList()
    check_paths(((shown(name, 300), name) for name in sizes), faults)
    if faults:
        raise BundleError(f"holds files that a bundle may not: {faults}")
    total = sum(sizes.values())
    if total > MAX_TOTAL_BYTES:
        raise BundleError(f"holds {total} bytes; at most {MAX_TOTAL_BYTES} are allowed")
    return sizes


def _walk_folder(folder: int, prefix: str, sizes: dict[str, int], seen: list[int]) -> None:
    for name in sorted(os.listdir(folder)):
        seen[0] += 1
        if seen[0] > 2 * MAX_FILES:  # as many folders again as files
            raise BundleError(f"holds more than {MAX_FILES} files; give a bundle's own folder")
        path = prefix + name
        fault = path_fault(path)  # also bounds how deep the walk goes
        if fault:
            raise BundleError(fault)
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            inner = _open_below(folder, name, os.O_DIRECTORY)
            try:
                _walk_folder(inner, path + "/", sizes, seen)
            finally:
                os.close(inner)
        elif stat.S_ISREG(status.st_mode):
            if status.st_size > MAX_FILE_BYTES:
                raise BundleError(
                    f"{shown(path, 300)} has {status.st_size} bytes; at most {MAX_FILE_BYTES}"
                )
            sizes[path] = status.st_size
        else:
            noun = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "a special file"
            raise BundleError(f"{shown(path, 300)} is {noun}; bundles hold plain files only")
