"""Addresses such as "camera:0?size=1280x720&fps=30": their parts, and what the options mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.errors import UsageError
from edge.source_name import show_source
from edge.sources.capture import MAX_FRAME_PIXELS

__all__ = [
    "OptionParser",
    "Size",
    "one_of",
    "parse_address",
    "parse_count",
    "parse_fps",
    "parse_seconds",
    "parse_size",
    "parse_text",
]

OptionParser = Callable[[str], Any]
"""Text of an option to its value; raises ValueError with what is allowed."""

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})", re.ASCII)
_NUMBER = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
_COUNT = re.compile(r"\d{1,7}", re.ASCII)
_LEAST_SIDE = 2
_MOST_SIDE = 16_384
_MOST_FPS = 240
_MOST_SECONDS = 86_400
_MOST_COUNT = 1_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """Columns and rows of a picture."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def parse_address(
    text: str,
    kind: str,
    parsers: Mapping[str, OptionParser],
) -> tuple[str, dict[str, Any]]:
    """Split "KIND:PLACE?KEY=VALUE&KEY=VALUE" and parse its options.

    Nothing is percent-decoded. The options begin at the last "?", so that a folder's name may
    hold others.

    Args:
        text: an address that begins with `kind` and a colon.
        kind: the word before the first colon.
        parsers: the options that there are.

    Returns:
        The place, and the values of those options that are given.

    Raises:
        UsageError: an option is unknown, given twice or wrong; all such faults are named.
    """
    rest = text.removeprefix(f"{kind}:")
    place, question, query = rest.rpartition("?")
    if not question:
        return rest, {}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key not in parsers:
            faults.append(f"{key!r} is no option of {kind}: (there are: {', '.join(parsers)})")
        elif key in values:
            faults.append(f"{key} is given twice")
        else:
            try:
                values[key] = parsers[key](value)
            except ValueError as error:
                faults.append(f"{key} is {value!r} and must be {error}")
    if faults:
        raise UsageError(f"{show_source(text)}: {'; '.join(faults)}")
    return place, values


def parse_size(text: str) -> Size:
    """Parse WIDTHxHEIGHT.

    Raises:
        ValueError: it is none, or over the limits; the message says what is allowed.
    """
    match = _SIZE.fullmatch(text)
    if match is not None:
        size = Size(int(match[1]), int(match[2]))
        is_side = all(_LEAST_SIDE <= each <= _MOST_SIDE for each in (size.width, size.height))
        if is_side and size.width * size.height <= MAX_FRAME_PIXELS:
            return size
    raise ValueError(
        f"WIDTHxHEIGHT such as 1280x720, each side {_LEAST_SIDE} to {_MOST_SIDE}, at most "
        f"{MAX_FRAME_PIXELS} pixels"
    )


def parse_fps(text: str) -> float:
    """Parse frames per second.

    Raises:
        ValueError: it is no number from 1 to 240.
    """
    return _parse_number(text, 1, _MOST_FPS)


def parse_seconds(text: str) -> float:
    """Parse seconds.

    Raises:
        ValueError: it is no number from 0 to 86400.
    """
    return _parse_number(text, 0, _MOST_SECONDS)


def parse_count(text: str) -> int:
    """Parse how many.

    Raises:
        ValueError: it is no whole number from 1 to 1000000.
    """
    if _COUNT.fullmatch(text) and 1 <= int(text) <= _MOST_COUNT:
        return int(text)
    raise ValueError(f"a whole number from 1 to {_MOST_COUNT}")


def parse_text(text: str) -> str:
    """Take any text but an empty one.

    Raises:
        ValueError: it is empty.
    """
    if text:
        return text
    raise ValueError("not empty")


def one_of(*words: str) -> OptionParser:
    """A parser that takes one of these words."""

    def parse(text: str) -> str:
        if text in words:
            return text
        raise ValueError(f"one of {', '.join(words)}")

    return parse


def _parse_number(text: str, least: float, most: float) -> float:
    if _NUMBER.fullmatch(text) and least <= float(text) <= most:
        return float(text)
    raise ValueError(f"a number from {least} to {most}")
