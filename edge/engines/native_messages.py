"""Native libraries write to standard error past Python; what says nothing is left out."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["without_native_messages"]

_STANDARD_ERROR = 2
_LOCK = threading.Lock()


@contextmanager
def without_native_messages(*unwanted: bytes) -> Iterator[None]:
    """Hold standard error back, then pass on every line but the unwanted ones.

    The whole process's standard error is held, so keep it short; nothing but the unwanted
    lines is lost. Where standard error is closed or no temporary file can be made, nothing is held.

    Args:
        unwanted: beginnings of lines to drop.
    """
    with _LOCK:
        try:
            kept = os.dup(_STANDARD_ERROR)
        except OSError:
            yield
            return
        try:
            held = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed below, after fd 2
        except OSError:
            os.close(kept)
            yield
            return
        _flush()
        os.dup2(held.fileno(), _STANDARD_ERROR)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
            with held:
                held.seek(0)
                wanted = [line for line in held.readlines() if not line.startswith(unwanted)]
            if wanted:
                with suppress(OSError):
                    os.write(_STANDARD_ERROR, b"".join(wanted))


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
