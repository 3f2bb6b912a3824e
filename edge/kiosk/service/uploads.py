"""Pictures that were sent in, until their answers come."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from edge.kiosk.view import KioskBusyError
from edge.kiosk.worker.wire import Answered, Infer

__all__ = ["MOST_WAITING", "Uploads"]

MOST_WAITING = 4


class Uploads:
    """Hands uploads to the worker and answers back, a bounded number at a time.

    An upload counts until the worker has answered or is gone, also where its sender has given up:
    the worker still holds it. Used on the event loop's thread alone.

    Args:
        send: gives a message to the worker; False where there is none that takes it.
        deadline_s: an answer must come within this.
    """

    def __init__(self, send: Callable[[Infer, bytes], bool], deadline_s: float) -> None:
        self._send = send
        self._deadline_s = deadline_s
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answered]] = {}

    async def ask(self, data: bytes) -> Answered:
        """The worker's answer for the bytes of a picture or record.

        Raises:
            KioskBusyError: too many wait already, the worker is away, or it did not answer.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise KioskBusyError(f"{MOST_WAITING} pictures wait already; send it again in a moment")
        number = next(self._numbers)
        if not self._send(Infer(number), data):
            raise KioskBusyError("the worker is being started; send it again in a moment")
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        # Whoever is cancelled or too late leaves the future done, and its place taken.
        done, _ = await asyncio.wait({future}, timeout=self._deadline_s)
        if not done:
            future.cancel()
            raise KioskBusyError(
                f"no answer came within {self._deadline_s:g} s; send it again in a moment"
            )
        return future.result()

    def answer(self, number: int, answer: Answered) -> None:
        """Pass the worker's answer on; one that nobody waits for any more is dropped."""
        future = self._waiting.pop(number, None)
        if future is not None and not future.done():
            future.set_result(answer)

    def give_up(self) -> None:
        """The worker is gone: whoever waits is told."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(
                    KioskBusyError("the worker was replaced meanwhile; send the picture again"),
                )
                future.exception()  # retrieved, should nobody wait any more
