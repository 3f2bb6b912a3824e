"""How much memory this process has and has had; imports next to nothing, so as not to add to it."""

from __future__ import annotations

import os

__all__ = ["peak_memory_bytes", "resident_bytes"]


def peak_memory_bytes() -> int:
    """Most memory that this process has had resident.

    `ru_maxrss` would not do: Linux carries it over `exec`, so that a child shows at least what
    the program that started it had (kernel, `fs/exec.c`, `setmax_mm_hiwater_rss`).
    """
    for line in _text("/proc/self/status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident_bytes() -> int:
    """Memory that this process has resident now; 0 where the system does not say."""
    fields = _text("/proc/self/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would be an import
            return file.read()
    except OSError:
        return ""
