"""Faults gathered into one line, and untrusted values shown safely."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

__all__ = ["MAX_SHOWN", "FaultList", "reason", "shown"]

MAX_SHOWN = 20
_MAX_INT_BITS = 128


def shown(value: object, limit: int = 60) -> str:
    r"""Describe an untrusted value in printable characters on one line.

    Text is quoted and escaped (so that a name cannot break the line or steer a terminal) and
    cut to `limit` characters; containers are named, not unfolded.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"an array of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, str):
        text = repr(value[: limit + 1])
    elif isinstance(value, int) and value.bit_length() > _MAX_INT_BITS:
        return f"an integer of {value.bit_length()} bits"
    else:
        text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."


def reason(error: OSError) -> str:
    """Say in words why the operating system refused, without a traceback or a path."""
    return (error.strerror or errno.errorcode.get(error.errno or 0, "input/output error")).lower()


@dataclass(slots=True)
class FaultList:
    """Faults found so far: the first `MAX_SHOWN` are kept, the rest only counted."""

    kept: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, path: str, text: str) -> None:
        """Note that what stands at `path` is wrong, as `text` says."""
        self.count += 1
        if len(self.kept) < MAX_SHOWN:
            self.kept.append(f"{path}: {text}")

    def check(self, is_right: object, path: str, text: str) -> None:
        """Note a fault unless `is_right`."""
        if not is_right:
            self.add(path, text)

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        more = self.count - len(self.kept)
        return "; ".join(self.kept) + (f"; and {more} more" if more else "")
