"""The journal as the service uses it: hand an entry in, get a receipt when it is stored."""

from __future__ import annotations

import collections
import contextlib
import errno
import fcntl
import os
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from edge.kiosk.journal.bounds import JournalLimits
from edge.kiosk.journal.chain_writer import ChainWriter, EncodedEntry, Receipt
from edge.kiosk.journal.disk import Disk
from edge.kiosk.journal.entry import OWN_KINDS, JournalEntry
from edge.kiosk.journal.errors import JournalError
from edge.kiosk.journal.layout import LOCK_NAME
from edge.kiosk.journal.line import MAX_GROUP_BYTES, MAX_LINE_BYTES
from edge.stored_files import sync_folder

__all__ = ["Journal", "JournalError", "JournalLimits", "Receipt"]

_LOCK_PATIENCE_S = 2.0
_FIRST_BACK_OFF_S = 0.1
_LONGEST_BACK_OFF_S = 2.0
_MAY_PASS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.ENOMEM})
"""Failures of the disk that a later try may not meet."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: EncodedEntry
    receipt: Future[Receipt]


class Journal:
    """An open journal. Any number of threads may use it; one process at a time holds it.

    Args:
        folder: where it is; made where it is missing. Nothing else has to be writable.
        limits: bounds.
        disk: what writes; tests put theirs in its place.

    Raises:
        JournalError: another process holds it, it cannot be written to, or a newer version of
            the program wrote it. A disk that is full is no such reason: then entries fail until
            there is room.
    """

    def __init__(
        self, folder: Path, limits: JournalLimits | None = None, *, disk: Disk | None = None
    ) -> None:
        self._folder = folder
        self._limits = JournalLimits() if limits is None else limits
        self._disk = Disk() if disk is None else disk
        self._writer = ChainWriter(folder, self._limits, self._disk)
        self._waiting: collections.deque[_Waiting] = collections.deque()
        self._changed = threading.Condition()
        self._is_closing = False
        self._failure = ""
        self._refused = 0
        self._back_off_s = 0.0
        self._retry_at = 0.0
        self._lock = _lock(folder)
        try:
            self._prepare()
        except BaseException:
            os.close(self._lock)
            raise
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def last_sequence(self) -> int:
        """Of the last line that is stored, the journal's own included; 0 before any."""
        return self._writer.last_sequence

    @property
    def size_bytes(self) -> int:
        """What all its files take, chains set aside included."""
        return self._writer.size_bytes

    @property
    def torn_bytes(self) -> int:
        """What was cut off at its end when it was opened."""
        return 0 if self._writer.found is None else self._writer.found.torn_bytes

    @property
    def set_aside(self) -> str:
        """Why the chain before was set aside when it was opened, "" where none was."""
        return "" if self._writer.found is None else self._writer.found.set_aside

    @property
    def failure(self) -> str:
        """Why the last entry could not be stored, "" where it could."""
        return self._failure

    def submit(self, entry: JournalEntry) -> Future[Receipt]:
        """Hand an entry in.

        Returns:
            Done when the entry is on the disk; fails with `JournalError` when it is not.

        Raises:
            JournalError: the entry may not be written, too many wait, or the journal is closed.
        """
        if entry.kind in OWN_KINDS:
            raise JournalError(
                f"entries of kind {entry.kind!r} are the journal's own; choose another kind"
            )
        waiting = _Waiting(EncodedEntry.of(entry), Future())
        with self._changed:
            if self._is_closing:
                raise JournalError(f"the journal {self._folder} is closed; open it again")
            if len(self._waiting) >= self._limits.max_waiting:
                raise JournalError(
                    f"the journal {self._folder} is full: {len(self._waiting)} entries wait to be "
                    "written; hand in fewer, or use a faster disk"
                )
            self._waiting.append(waiting)
            self._changed.notify_all()
        return waiting.receipt

    def append(self, entry: JournalEntry) -> Receipt:
        """Hand an entry in and wait until it is on the disk.

        Raises:
            JournalError: it is not.
        """
        return self.submit(entry).result()

    def close(self) -> None:
        """Write what waits, then let another process have the journal."""
        with self._changed:
            if self._is_closing:
                return
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        self._writer.close()
        os.close(self._lock)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        try:
            place = self._writer.prepare()
        except OSError as error:
            if error.errno not in _MAY_PASS:
                raise _cannot_write(self._folder, error) from error
            self._note_failure(str(_cannot_write(self._folder, error)))
            return
        if place.torn_bytes:
            self._write([])

    def _run(self) -> None:
        while batch := self._take():
            if time.monotonic() < self._retry_at:
                self._refuse(batch)
            else:
                self._write(batch)

    def _take(self) -> list[_Waiting]:
        """All that wait, up to a fraction of a segment; none where the journal is closed."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._is_closing)
                batch = self._take_now()
                if batch or self._is_closing:
                    return batch

    def _take_now(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        most = min(self._limits.roll_bytes // 4 + 1, MAX_GROUP_BYTES - MAX_LINE_BYTES)
        while self._waiting and size < most:
            waiting = self._waiting.popleft()
            # False where the one who waited gave up before it was written.
            if waiting.receipt.set_running_or_notify_cancel():
                batch.append(waiting)
                size += waiting.entry.line_bytes
        return batch

    def _write(self, batch: list[_Waiting]) -> None:
        entries = [each.entry for each in batch]
        if self._refused:
            moment = entries[0].moment if entries else None
            told = EncodedEntry.own("was_failing", {"refused": self._refused}, moment)
            entries.insert(0, told)
        try:
            self._keep_lock()
            receipts = self._writer.write(entries)
        except OSError as error:
            self._fail(batch, str(_cannot_write(self._folder, error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._fail(batch, str(error))
        else:
            self._failure, self._refused, self._back_off_s = "", 0, 0.0
            for waiting, receipt in zip(reversed(batch), reversed(receipts), strict=False):
                waiting.receipt.set_result(receipt)

    def _keep_lock(self) -> None:
        """Be sure that this process alone writes, though somebody removed the folder or its lock.

        A folder that is gone is not made anew: it may be on a disk that is not mounted.

        Raises:
            JournalError: the folder is gone, or another process has the journal by now.
        """
        if _is_at(self._lock, self._folder / LOCK_NAME):
            return
        if not self._folder.is_dir():
            raise JournalError(
                f"the folder of the journal {self._folder} is gone; mount its disk, or make it"
            )
        lock = _lock(self._folder)
        os.close(self._lock)
        self._lock = lock
        self._writer.close()
        self._writer = ChainWriter(self._folder, self._limits, self._disk)
        self._prepare()

    def _note_failure(self, reason: str) -> None:
        self._failure = reason
        self._back_off_s = min(max(_FIRST_BACK_OFF_S, 2 * self._back_off_s), _LONGEST_BACK_OFF_S)
        self._retry_at = time.monotonic() + self._back_off_s

    def _fail(self, batch: list[_Waiting], reason: str) -> None:
        self._note_failure(reason)
        self._refuse(batch)

    def _refuse(self, batch: list[_Waiting]) -> None:
        self._refused += len(batch)
        for waiting in batch:
            waiting.receipt.set_exception(JournalError(self._failure))


def _cannot_write(folder: Path, error: OSError) -> JournalError:
    return JournalError(
        f"cannot write the journal {folder}: {error.strerror or error}; free the disk, or name "
        "another folder"
    )


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether a path still leads to the file that is open."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def _lock(folder: Path) -> int:
    """Make the folder and hold its lock; the kernel drops it however the process ends."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # then somebody else made it
            sync_folder(folder.parent)
        lock = os.open(
            folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
    except OSError as error:
        raise _cannot_write(folder, error) from error
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # `verify` holds it for an instant to find out whether anybody writes.
            if error.errno in {errno.EAGAIN, errno.EACCES} and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            os.close(lock)
            raise JournalError(
                f"the journal {folder} is in use by another process; stop that one, or name "
                "another folder"
            ) from None
        else:
            return lock
