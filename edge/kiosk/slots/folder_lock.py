"""A lock that two processes cannot hold at once, and that a dead one does not hold."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import DeviceError

__all__ = ["held_lock"]

_PAUSE_S = 0.02


@contextmanager
def held_lock(path: Path, *, wait_s: float, otherwise: str) -> Iterator[None]:
    """Hold a lock (flock(2)) while the block runs; the kernel drops it when the process ends.

    Args:
        path: of the lock file, which is made where it is not there and never removed.
        wait_s: how long to wait for another that holds it.
        otherwise: what to say where it is still held then.

    Raises:
        DeviceError: another holds it.
        OSError: the file cannot be made.
    """
    # Read only: a file that another user made may still be locked. Root must not be led elsewhere.
    flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o644)
    try:
        deadline = time.monotonic() + wait_s
        while not _take(descriptor):
            if time.monotonic() >= deadline:
                raise DeviceError(otherwise)
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
