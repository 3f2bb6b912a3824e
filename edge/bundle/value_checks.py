"""Checks of single values, each of which notes its fault and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite

from edge.bundle.faults import FaultList, shown

__all__ = [
    "MAX_NAME_CHARACTERS",
    "check_filled",
    "check_finite",
    "check_name",
    "check_positive",
    "check_prose",
    "check_reference",
    "check_sha256",
    "check_unique",
    "check_within",
    "listed",
]

MAX_NAME_CHARACTERS = 200

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Names are printed: no control characters, no line or paragraph separators, and nothing that is
# invisible or turns the direction of writing, which lets one label be read as another.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_UNPRINTABLE_PROSE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def check_filled(keys: list[str], path: str, noun: str, faults: FaultList) -> None:
    """Note a fault where there is no key, or one is given twice."""
    faults.check(keys, path, "must have at least one element")
    check_unique(keys, path, noun, faults)


def check_name(text: str, path: str, faults: FaultList, *, may_be_empty: bool = False) -> None:
    """Note a fault where a name is empty, too long, or holds invisible characters."""
    if not text.strip() and not (may_be_empty and not text):
        faults.add(path, "must not be empty")
    elif len(text) > MAX_NAME_CHARACTERS:
        faults.add(path, f"has {len(text)} characters; at most {MAX_NAME_CHARACTERS} are allowed")
    elif _UNPRINTABLE.search(text):
        faults.add(path, f"{text[:60]!a} has control or invisible characters")


def check_prose(text: str, path: str, faults: FaultList) -> None:
    """Note a fault where prose is empty or holds control characters."""
    faults.check(text.strip(), path, "must not be empty")
    faults.check(not _UNPRINTABLE_PROSE.search(text), path, f"{shown(text)} has control characters")


def check_unique(values: list[str], path: str, noun: str, faults: FaultList) -> None:
    """Note a fault for each value that is given twice."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        where = f"{path}[{index}].{noun}" if noun else f"{path}[{index}]"
        faults.check(value not in seen, where, f"{shown(value)} is given twice")
        seen.add(value)


def check_sha256(text: str, path: str, faults: FaultList) -> None:
    """Note a fault where text is no SHA-256 in lower-case hex."""
    faults.check(
        _SHA256.fullmatch(text), path, f"must be 64 lower-case hex digits, not {shown(text, 70)}"
    )


def check_within(value: float, bounds: tuple[float, float], path: str, faults: FaultList) -> None:
    """Note a fault where a value lies outside its bounds."""
    low, high = bounds
    faults.check(low <= value <= high, path, f"must be {low} to {high}, not {shown(value)}")


def check_finite(value: float, path: str, faults: FaultList) -> None:
    """Note a fault where a number is not finite."""
    faults.check(isfinite(value), path, f"must be finite, not {shown(value)}")


def check_positive(value: float, path: str, faults: FaultList) -> None:
    """Note a fault where a number is not finite and above 0."""
    is_right = isfinite(value) and value > 0
    faults.check(is_right, path, f"must be finite and above 0, not {shown(value)}")


def listed(sizes: tuple[int, ...]) -> str:
    """Write a shape of untrusted sizes."""
    return f"[{', '.join(map(shown, sizes))}]"


def check_reference(
    value: str, allowed: Iterable[str], path: str, what: str, faults: FaultList
) -> None:
    """Note a fault where a name refers to nothing."""
    faults.check(value in allowed, path, f"{shown(value)} is not {what}")
