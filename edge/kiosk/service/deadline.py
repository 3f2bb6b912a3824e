"""Waiting no longer than so long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["within"]

_Value = TypeVar("_Value")


async def within(awaitable: Awaitable[_Value], timeout_s: float) -> _Value:
    """Wait for something, and cancel it when the time is over or who waits is cancelled.

    Not `asyncio.wait_for`: before Python 3.12 it may lose a cancellation, and a service that is
    to end would go on.

    Args:
        awaitable: what is waited for; it is not waited for its own end when it is cancelled.
        timeout_s: how long.

    Raises:
        asyncio.TimeoutError: it took longer.
    """
    future = asyncio.ensure_future(awaitable)
    try:
        done, _ = await asyncio.wait({future}, timeout=timeout_s)
    except asyncio.CancelledError:
        future.cancel()
        raise
    if not done:
        future.cancel()
        raise asyncio.TimeoutError
    return future.result()
