"""How many threads an engine uses."""

from __future__ import annotations

import os

from edge.errors import UsageError

__all__ = ["available_processors", "resolve_threads"]

_MOST_BY_DEFAULT = 4
_MOST = 256


def resolve_threads(threads: int | None, *, most_by_default: int | None = None) -> int:
    """Turn the user's wish into a number of threads.

    Args:
        threads: 1 to 256, or None for every processor this process may use, at most 4: boards
            have four fast cores, and larger machines gain little on one small picture.
        most_by_default: another number than 4, where something is known of the board.

    Raises:
        UsageError: the number is out of range.
    """
    if threads is None:
        return min(most_by_default or _MOST_BY_DEFAULT, available_processors())
    if not 1 <= threads <= _MOST:
        raise UsageError(f"threads is {threads}; give a number from 1 to {_MOST}")
    return threads


def available_processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
