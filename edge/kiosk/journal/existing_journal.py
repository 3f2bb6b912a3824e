"""A journal that somebody reads, while a service may write to it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import InputError, InputNotFoundError
from edge.kiosk.journal.layout import LOCK_NAME, ChainFolder, list_chains

__all__ = ["existing_chains", "is_written", "reading_errors"]


def existing_chains(folder: Path) -> list[ChainFolder]:
    """The chains of a journal that has to be there, the oldest first.

    Raises:
        InputNotFoundError: it is not.
        OSError: the folder cannot be read.
    """
    try:
        chains = list_chains(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise InputNotFoundError(f"{folder} is no folder; name the journal's") from None
    if not chains and not (folder / LOCK_NAME).exists():
        raise InputNotFoundError(f"{folder} holds no journal; name the one that the service uses")
    return chains


def is_written(folder: Path) -> bool:
    """Whether a process holds the journal to write to it.

    Raises:
        OSError: nobody can tell.
    """
    try:
        lock = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        # Held for an instant only; a journal that is being opened waits for longer than that.
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


@contextmanager
def reading_errors(folder: Path) -> Iterator[None]:
    """Say in one line why a journal cannot be read.

    Raises:
        InputError: in place of an `OSError`.
    """
    try:
        yield
    except FileNotFoundError as error:
        # The bounds removed a segment between listing and reading.
        raise InputNotFoundError(
            f"{error.filename or folder} has gone while {folder} was read; try again"
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot read {error.filename or folder}: {error.strerror}; use the account of the "
            "service, or repair the disk"
        ) from error
