"""Files and folders that are still there after a loss of power."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["new_stored_file", "replace_stored_file", "sync_folder"]


def sync_folder(path: Path) -> None:
    """Put the names in a folder on the disk: what was made, renamed or removed there.

    Raises:
        OSError: the folder cannot be read, or its file system cannot do this.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def new_stored_file(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A new file whose content is on the disk, not in its cache, when the block ends.

    Args:
        path: of the file.
        mode: its permissions from the first moment on, less the process's umask.

    Raises:
        OSError: it exists, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "wb") as output:
        yield output
        output.flush()
        os.fsync(output.fileno())


def replace_stored_file(
    path: Path, data: bytes, *, mode: int, aside_in: Path | None = None
) -> None:
    """Put a small file in its place in one step: after a loss of power it is the old or the new.

    One process at a time may do so for one `path`.

    Args:
        path: the file; its folder exists.
        data: its whole content.
        mode: its permissions, whatever the process's umask is.
        aside_in: folder on the same disk where it is written first; None for its own.

    Raises:
        OSError: it cannot be written; what stood there is untouched.
    """
    aside = (aside_in or path.parent) / f".{path.name}.partial"
    try:
        aside.unlink(missing_ok=True)  # a process was ended here before
        with new_stored_file(aside) as output:
            os.fchmod(output.fileno(), mode)
            output.write(data)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
