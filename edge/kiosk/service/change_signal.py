"""Tells any number of waiting tasks that something has changed, without a queue for any of them."""

from __future__ import annotations

import asyncio
import contextlib

from edge.kiosk.service.deadline import within

__all__ = ["ChangeSignal"]


class ChangeSignal:
    """A number that grows, and a way to wait until it has.

    Used on the event loop's thread alone. Who is slow misses what lay between and costs nothing.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._changed: asyncio.Event | None = None

    def announce(self) -> None:
        """Say that something has changed."""
        self.revision += 1
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def wait(self, revision: int, timeout_s: float) -> int:
        """Wait until the number differs from `revision`, or the time is over.

        Returns:
            The number now.
        """
        if self.revision == revision:
            if self._changed is None:
                self._changed = asyncio.Event()
            with contextlib.suppress(asyncio.TimeoutError):
                await within(self._changed.wait(), timeout_s)
        return self.revision
