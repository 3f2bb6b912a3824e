"""Reads the small files of `/proc` and `/sys`; what cannot be read is None, never an error.

Linux, Documentation/admin-guide/sysfs-rules.rst: an attribute may vanish between listing a folder
and reading it, may refuse by permission, or may fail because its hardware sleeps. None of that
may end a measurement, so every function here answers None or nothing instead.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["find_paths", "read_hexadecimal", "read_integer", "read_text"]

# Longer than any attribute (a page) and than any /proc/cpuinfo of boards; a file that never
# ends must not fill the memory.
_MOST_BYTES = 4 << 20
# The kernel sets room aside for what is asked of /proc/sys at once, and refuses megabytes (ENOMEM).
_STEP_BYTES = 1 << 16


def read_text(path: Path) -> str | None:
    """The text of a file without white space and NUL bytes around it.

    Args:
        path: an attribute of `/sys`, or a file of `/proc` or the device tree, whose strings end
            in NUL.

    Returns:
        None where it cannot be read or is empty.
    """
    content = b""
    try:
        with path.open("rb", buffering=0) as file:
            while len(content) < _MOST_BYTES and (part := file.read(_STEP_BYTES)):
                content += part
    except (OSError, ValueError):
        return None
    return content.decode("utf-8", errors="replace").strip("\0 \t\r\n") or None


def read_integer(path: Path) -> int | None:
    """A decimal number, None where there is none."""
    return _integer(read_text(path), 10)


def read_hexadecimal(path: Path) -> int | None:
    """A hexadecimal number, with or without `0x`; None where there is none."""
    return _integer(read_text(path), 16)


def _integer(text: str | None, base: int) -> int | None:
    try:
        return int(text, base) if text else None
    except ValueError:
        return None


def find_paths(folder: Path, pattern: str) -> list[Path]:
    """What matches a pattern below a folder, in the order of the numbers in the names.

    Args:
        folder: where to look; it need not exist.
        pattern: as of `Path.glob`, such as "cpu[0-9]*".
    """
    try:
        found = list(folder.glob(pattern))
    except (OSError, ValueError):
        return []
    # cpu2 before cpu10: names that differ in their number alone are as long as it is.
    return sorted(found, key=lambda path: (len(str(path)), str(path)))
