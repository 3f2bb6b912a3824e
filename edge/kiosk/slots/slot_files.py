"""The files in the slots' folder: names, locks, whether they are whole, what is left over."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from edge.bundle.faults import reason
from edge.errors import OutputError
from edge.kiosk.slots.folder_lock import held_lock
from edge.kiosk.slots.slot_state import SlotName
from edge.kiosk.slots.stored_state import SlotRecord, StoredState
from edge.stored_files import sync_folder

__all__ = [
    "INCOMING_NAME",
    "file_sha256",
    "is_whole",
    "locked_state",
    "locked_update",
    "make_folder",
    "make_readable",
    "remove_unused",
    "slot_file_name",
    "storing_errors",
]

INCOMING_NAME: Final = "incoming.edge"
"""What is being installed; a left one is of an installation that was ended by force."""
_FILE_MODE: Final = 0o644
"""The service reads what an administrator installed, whatever that one's umask is."""

_STATE_LOCK_S = 10.0
_SLOT_FILE = re.compile(r"[ab]-[0-9a-f]{16}\.edge")
_FOLDER_MODE = 0o755


def slot_file_name(slot: SlotName, sha256: str) -> str:
    """Name of a bundle's file, by its content: no file is ever replaced by another bundle."""
    return f"{slot}-{sha256[:16]}.edge"


def file_sha256(path: Path) -> str:
    """Digest of a file in lower-case hex.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(2**20):
            digest.update(chunk)
        return digest.hexdigest()


def is_whole(folder: Path, record: SlotRecord) -> bool:
    """Whether a slot's file is the one that was installed."""
    path = folder / record.file
    try:
        return path.stat().st_size == record.size_bytes and file_sha256(path) == record.sha256
    except OSError:
        return False


def make_folder(folder: Path) -> None:
    """Make the slots' folder; root makes it for whom the folder above belongs to.

    Raises:
        OSError: it cannot be made.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE)
    except FileExistsError:
        return
    except FileNotFoundError:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=_FOLDER_MODE)
    with _opened(folder, os.O_DIRECTORY) as descriptor:
        os.fchmod(descriptor, _FOLDER_MODE)
        if os.geteuid() == 0:
            above = folder.parent.stat()
            os.fchown(descriptor, above.st_uid, above.st_gid)
    with suppress(PermissionError):  # who may enter a folder may not always read it
        sync_folder(folder.parent)


def make_readable(path: Path) -> None:
    """Let everybody read a bundle's file.

    Raises:
        OSError: it cannot be changed, or is a link.
    """
    with _opened(path) as descriptor:
        os.fchmod(descriptor, _FILE_MODE)


@contextmanager
def _opened(path: Path, flags: int = 0) -> Iterator[int]:
    """A descriptor of what is there, unless it is a link: nobody is to lead root elsewhere."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def locked_state(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock on the state, which nobody holds for long.

    Raises:
        DeviceError: another process holds it all the same.
    """
    return held_lock(
        folder / "state.lock",
        wait_s=_STATE_LOCK_S,
        otherwise=f"another process has held the model slots in {folder} for "
        f"{_STATE_LOCK_S:.0f} s; try again",
    )


def locked_update(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock on installing, for as long as an installation takes.

    Raises:
        DeviceError: another installation is running.
    """
    return held_lock(
        folder / "update.lock",
        wait_s=0.0,
        otherwise=f"another update of the model slots in {folder} is running; wait for its end",
    )


def remove_unused(folder: Path, state: StoredState | None) -> None:
    """Remove bundles that the state does not name; one that cannot be removed is left."""
    used = {each.file for each in (state.active, state.previous) if each} if state else set()
    with suppress(OSError):
        for path in folder.iterdir():
            if _SLOT_FILE.fullmatch(path.name) and path.name not in used:
                path.unlink(missing_ok=True)


@contextmanager
def storing_errors(folder: Path) -> Iterator[None]:
    """Turn what the operating system raises into our error."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write to the model slots in {folder}: {reason(error)}; free the disk, or see "
            "that the folder may be written"
        ) from error
