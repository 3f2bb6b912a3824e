"""Log lines on their way to a disk that may hang: the event loop never waits for them."""

from __future__ import annotations

import logging
import queue
import threading
from logging.handlers import QueueHandler

__all__ = ["LogWriter"]

MOST_LINES = 2000
_CLOSE_S = 1.0


class LogWriter:
    """Writes what is logged in a thread of its own; of too much, the newest is lost.

    Args:
        target: writes a line.
    """

    def __init__(self, target: logging.Handler) -> None:
        self._target = target
        self._lines: queue.Queue[logging.LogRecord | None] = queue.Queue(MOST_LINES)
        self._thread = threading.Thread(target=self._write_all, name="log writer", daemon=True)

    def start(self, level: int) -> None:
        """Take over the root logger."""
        # A full disk or a closed terminal must neither end the service nor fill standard error.
        logging.raiseExceptions = False
        self._thread.start()
        root = logging.getLogger()
        root.handlers[:] = [QueueHandler(self._lines)]
        root.setLevel(level)

    def close(self) -> bool:
        """Write what waits.

        Returns:
            Whether that was done; False where the disk hangs.
        """
        try:
            self._lines.put(None, timeout=_CLOSE_S)
        except queue.Full:
            return False
        self._thread.join(_CLOSE_S)
        return not self._thread.is_alive()

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            self._target.handle(line)
