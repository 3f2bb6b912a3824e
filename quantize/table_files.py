"""The files that a table names, wherever below its folder they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from edge.errors import InputError, InputNotFoundError
from edge.source_name import show_source

__all__ = ["FileFinder", "fill_pattern", "pattern_columns"]

_FIELD = re.compile(r"\{([^{}]+?)(\.stem)?\}")


def pattern_columns(pattern: str) -> tuple[str, ...]:
    """The columns that a file pattern names; a pattern without braces is a column's name."""
    if "{" not in pattern:
        return (pattern,)
    return tuple(match.group(1) for match in _FIELD.finditer(pattern))


def fill_pattern(pattern: str, row: Mapping[str, str]) -> str:
    """A row's file.

    Args:
        pattern: "{split}/{class}/{file}"; "{image.stem}" is a cell without its suffix; without
            braces, the name of the one column.
        row: cells by column.
    """
    if "{" not in pattern:
        return row[pattern]

    def fill(match: re.Match[str]) -> str:
        cell = row[match.group(1)]
        return Path(cell).stem if match.group(2) else cell

    return _FIELD.sub(fill, pattern)


class FileFinder:
    """Finds named files in a folder and below.

    A name that is no path from the folder is searched below it: first the same name, then the
    same name with a picture's suffix (tables outlive conversions from PNG to JPEG).

    Args:
        folder: where the table is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_name: dict[str, list[Path]] | None = None
        self._by_stem: dict[str, list[Path]] = {}

    def find(self, name: str) -> Path:
        """The one file of a name.

        Raises:
            InputNotFoundError: there is none.
            InputError: there are several, or the name is empty.
        """
        if not name:
            raise InputError("the file's cell is empty")
        direct = self._folder / name
        if direct.is_file():
            return direct
        if self._by_name is None:
            self._by_name = self._index()
        bare = Path(name)
        found = self._by_name.get(bare.name) or self._by_stem.get(bare.stem) or []
        if len(found) > 1:
            places = ", ".join(show_source(str(each.parent)) for each in found[:3])
            raise InputError(
                f"{show_source(name)}: {len(found)} files have this name (in {places}); say which "
                "with --data-columns file={column}/{column}"
            )
        if not found:
            raise InputNotFoundError(
                f"{show_source(name)}: no such file in {show_source(str(self._folder))} or below"
            )
        return found[0]

    def _index(self) -> dict[str, list[Path]]:
        from edge.sources.image_files import IMAGE_SUFFIXES

        names: dict[str, list[Path]] = {}
        for each in sorted(self._folder.rglob("*")):
            if not each.is_file():
                continue
            names.setdefault(each.name, []).append(each)
            if each.suffix.lower() in IMAGE_SUFFIXES:
                self._by_stem.setdefault(each.stem, []).append(each)
        return names
