"""The temporary folder of a run: inputs, answers, facts; gone when nobody needs it any more.

What a user gave may be laid out in it, rows of patients too, so a run that is killed must not
leave it behind. The owner holds a lock on a file in it (flock(2)), which the kernel drops with
the process however that ends: the process that measures removes the folder of an owner that is
gone, and where that was killed too the next run does.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge.errors import OutputError

__all__ = ["remove_abandoned", "remove_scratch", "room_for_temporary_files", "scratch_folder"]

_PREFIX: Final = "edge-bench-"
_LOCK: Final = "in-use"
# An owner takes its lock within an instant of making its folder.
_YOUNG_S: Final = 60.0


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a run's temporary folder and remove it afterwards; first, those of killed runs.

    Raises:
        OutputError: there is no room for it.
    """
    remove_abandoned()
    with contextlib.ExitStack() as stack:
        with room_for_temporary_files():
            folder = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
                )
            )
            lock = stack.enter_context((folder / _LOCK).open("wb"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder


@contextlib.contextmanager
def room_for_temporary_files() -> Iterator[None]:
    """Say where the room is missing.

    Raises:
        OutputError: in place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write to the temporary folder {tempfile.gettempdir()}: {error.strerror}; free "
            "the disk, or set TMPDIR to another place"
        ) from error


def remove_abandoned() -> None:
    """Remove the folders of runs that were killed."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - lock.stat().st_mtime > _YOUNG_S and not _is_held(lock):
                shutil.rmtree(lock.parent, ignore_errors=True)


def remove_scratch(subject: Path) -> None:
    """Remove the folder of a run whose owner is gone.

    Args:
        subject: the folder of one subject in it; only this where the run's is in use.
    """
    lock = subject.parent / _LOCK
    is_ours = subject.parent.name.startswith(_PREFIX) and lock.is_file()
    shutil.rmtree(subject.parent if is_ours and not _is_held(lock) else subject, ignore_errors=True)


def _is_held(lock: Path) -> bool:
    """Whether the owner of a lock lives, in whatever container it is."""
    try:
        # For writing, which a lock over NFS asks for.
        with lock.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
