"""What the board last said of itself; asking it never holds an answer up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from edge.kiosk.journal.entry import DeviceState

__all__ = ["DeviceGauge"]

logger = logging.getLogger(__name__)

READ_INTERVAL_S = 2.0
_OLD_S = 10.0


class DeviceGauge:
    """Reads the board's sensors now and then, in a thread of its own: a sensor may take its time.

    Args:
        read: asks the sensors; None where there are none.
    """

    def __init__(self, read: Callable[[], DeviceState | None]) -> None:
        self._read = read
        self._found: tuple[float, DeviceState | None] = (0.0, None)

    def start(self) -> None:
        """Begin to read, for as long as the process lives."""
        threading.Thread(target=self._read_for_ever, name="device gauge", daemon=True).start()

    def latest(self) -> DeviceState | None:
        """What was read last; None where that is long ago."""
        read_s, state = self._found
        return state if time.monotonic() - read_s <= _OLD_S else None

    def _read_for_ever(self) -> None:
        while True:
            try:
                state = self._read()
            except Exception:
                logger.exception("the board's sensors cannot be read")
                return
            self._found = (time.monotonic(), state)
            if state is None:
                return  # a machine that says nothing will not say anything later
            time.sleep(READ_INTERVAL_S)
