"""Log lines on their way to a disk that may hang: the event loop never waits for them."""

from __future__ import annotations

import logging
import queue
import threading
from logging.handlers import QueueHandler, RotatingFileHandler
from pathlib import Path

from edge.errors import OutputError

__all__ = ["LOG_FILES", "LogWriter", "start_log"]

LOG_FILES = 4
"""Files that a log of bounded size is kept in."""

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


def start_log(path: Path | None, *, most_bytes: int) -> LogWriter:
    """Begin to write what is logged.

    Args:
        path: in files of this name; None for standard error.
        most_bytes: what these files may take together.

    Raises:
        OutputError: the file cannot be written.
    """
    target: logging.Handler = logging.StreamHandler()
    if path is not None:
        try:
            target = RotatingFileHandler(
                path,
                maxBytes=most_bytes // LOG_FILES,
                backupCount=LOG_FILES - 1,
                encoding="utf-8",
            )
        except OSError as error:
            raise OutputError(f"{path}: cannot log there ({error.strerror})") from error
    target.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = LogWriter(target)
    log.start(logging.INFO)
    return log
