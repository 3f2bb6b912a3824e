"""Numbered pictures, or those of a folder, one after another like a video's frames."""

from __future__ import annotations

import os
import re
import time
from itertools import pairwise
from typing import Any

from edge.errors import InputNotFoundError, UsageError
from edge.source_name import show_source
from edge.sources.address import parse_address, parse_fps
from edge.sources.capture import CaptureSettings, Deadlines
from edge.sources.captured_frames import CapturedFrames
from edge.sources.file_bytes import say_why
from edge.sources.image_files import IMAGE_SUFFIXES, expand_inputs
from edge.sources.picture_files import read_picture

__all__ = ["is_number_pattern", "list_pictures", "open_sequence"]

_WAY_OUT = "check the files"
_NUMBER = re.compile(r"%(0\d{1,2})?d", re.ASCII)


def is_number_pattern(text: str) -> bool:
    """Whether `text` names numbered pictures: one "%d" or "%05d" in an image file's name."""
    name = os.path.basename(text)  # noqa: PTH119 - a Path would drop what makes a name wrong
    is_image = name.lower().endswith(IMAGE_SUFFIXES)
    return is_image and name.count("%") == 1 and _NUMBER.search(name) is not None


def open_sequence(address: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open pictures that are given in order, each as `edge-run FILE` would read it.

    Args:
        address: "FOLDER/%05d.png", or "sequence:FOLDER" or "sequence:FOLDER/%05d.png"; the
            latter two may end in "?fps=NUMBER", which gives that many a second.
        deadlines: how long it may be silent.

    Raises:
        UsageError: an option is wrong.
        InputNotFoundError: there are no such pictures, or a number is missing between others.
    """
    place, fps = address, 0.0
    if address.startswith("sequence:"):
        place, options = parse_address(address, "sequence", {"fps": parse_fps})
        fps = options.get("fps", 0.0)
    if not place:
        raise UsageError(f"{show_source(address)}: names no folder; write sequence:FOLDER")
    paths = list_pictures(place)
    return CapturedFrames(
        lambda: _Sequence(paths, fps),
        CaptureSettings(source=address, is_live=False, way_out=_WAY_OUT, deadlines=deadlines),
    )


def list_pictures(place: str) -> list[str]:
    """The pictures that a folder or a number pattern names, in order.

    Args:
        place: a folder, whose pictures are taken in the order of their names with numbers as
            numbers; or a pattern (`is_number_pattern`), whose pictures are taken by number,
            from the lowest there is.

    Raises:
        InputNotFoundError: there are none, or a number is missing between others.
    """
    if is_number_pattern(place):
        return _list_numbered(place)
    if not os.path.isdir(place):  # noqa: PTH112 - a Path would change how names are written
        raise InputNotFoundError(
            f"{show_source(place)}: is no folder and no pattern; name a folder of pictures, or "
            "write %05d (or %d) where their names have a number",
        )
    return expand_inputs([place])


def _list_numbered(pattern: str) -> list[str]:
    folder, name = os.path.split(pattern)
    before, _, after = _NUMBER.sub("%", name).partition("%")
    try:
        names = os.listdir(folder or os.curdir)  # noqa: PTH208 - as above
    except OSError as error:
        raise InputNotFoundError(f"{show_source(folder)}: {say_why(error)}") from error
    digits = re.compile(f"{re.escape(before)}(\\d{{1,18}}){re.escape(after)}", re.ASCII)
    matches = (digits.fullmatch(each) for each in names)
    numbers = sorted(
        int(match[1]) for match in matches if match and name % int(match[1]) == match[0]
    )
    if not numbers:
        raise InputNotFoundError(f"no file matches {show_source(pattern)}; check the pattern")
    for earlier, later in pairwise(numbers):
        if later != earlier + 1:
            raise InputNotFoundError(
                f"{show_source(pattern)}: {name % (earlier + 1)} is missing ({name % earlier} and "
                f"{name % later} are there); add it, or name the folder: sequence:FOLDER",
            )
    return [os.path.join(folder, name % number) for number in numbers]  # noqa: PTH118 - as above


class _Sequence:
    """A capture of picture files."""

    def __init__(self, paths: list[str], fps: float) -> None:
        self._paths = iter(paths)
        self._interval_s = 1 / fps if fps else 0.0
        self._due_s = time.monotonic()

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`.

        Raises:
            InputError: a file is missing, not whole or no picture.
        """
        path = next(self._paths, None)
        if path is None:
            return False, None
        if self._interval_s:
            time.sleep(max(self._due_s - time.monotonic(), 0.0))
            self._due_s += self._interval_s
        return True, read_picture(path)

    def release(self) -> None:
        """See `Capture.release`; no file is open between pictures."""
