"""Calls that may block on a disk, kept out of the event loop's way."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from edge.errors import DeviceError

__all__ = ["run_blocking"]

_Value = TypeVar("_Value")


async def run_blocking(function: Callable[[], _Value]) -> _Value:
    """Run a function in a daemon thread of its own, and wait for it.

    Not asyncio's own pool: at its end a process waits for the threads of that, and a disk that
    hangs would keep it for ever. Whoever is cancelled leaves the thread behind.

    Args:
        function: without arguments.

    Returns:
        What it returns.

    Raises:
        DeviceError: the machine has no thread left.
        Exception: whatever it raises.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Value] = loop.create_future()

    def settle(set_outcome: Callable[[], None]) -> None:
        if not future.done():
            set_outcome()

    def body() -> None:
        try:
            value = function()
        except Exception as error:  # noqa: BLE001 - handed to who waits
            outcome = _raising(future, error)
        else:
            outcome = _returning(future, value)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    try:
        threading.Thread(target=body, name="blocking call", daemon=True).start()
    except RuntimeError as error:
        raise DeviceError(f"{error}; let the service have more threads") from error
    return await future


def _raising(future: asyncio.Future[_Value], error: Exception) -> Callable[[], None]:
    return lambda: future.set_exception(error)


def _returning(future: asyncio.Future[_Value], value: _Value) -> Callable[[], None]:
    return lambda: future.set_result(value)
