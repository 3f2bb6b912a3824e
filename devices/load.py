"""Board profiles from their TOML files: typed, checked in one place, all faults named together."""

from __future__ import annotations

import dataclasses
import math
import sys
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from devices.profile import BoardProfile

__all__ = ["BoardProfileError", "load_profile", "parse_profile", "profile_names", "profile_text"]

_FOLDER = Path(__file__).parent / "boards"


class BoardProfileError(ValueError):
    """A profile does not exist or is malformed; the message names every fault found."""


def profile_names() -> tuple[str, ...]:
    """Names of the profiles that come with edgedx, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_profile(name: str) -> BoardProfile:
    """Read one profile.

    Args:
        name: one of `profile_names()`, or a part that only one of them has: "pi5", "orin-nano".
            Capitals, spaces, "-" and "_" do not count.

    Raises:
        BoardProfileError: there is no such profile, or its file is malformed.
    """
    found = _matching_names(name)
    if len(found) != 1:
        known = ", ".join(found or profile_names())
        raise BoardProfileError(
            f"board {name!r} could be several; give one of {known}"
            if found
            else f"board {name!r} is unknown; give one of {known}"
        )
    return parse_profile(profile_text(found[0]), name=found[0])


def _matching_names(text: str) -> tuple[str, ...]:
    """Names that have the text in them; one that the others only lengthen stands for itself."""
    wanted = _compact(text)
    found = tuple(name for name in profile_names() if wanted and wanted in _compact(name))
    plain = tuple(name for name in found if all(each.startswith(name) for each in found))
    return plain or found


def _compact(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def profile_text(name: str) -> str:
    """The TOML of one of `profile_names()`."""
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def parse_profile(text: str, *, name: str) -> BoardProfile:
    """Turn TOML into a profile.

    Args:
        text: the file's.
        name: the file's name without its suffix, which must be the profile's own.

    Raises:
        BoardProfileError: it is no TOML, or keys are unknown, missing or of a wrong kind.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BoardProfileError(f"board profile {name}: not TOML: {error}") from error
    faults: list[str] = []
    profile = _read_table(BoardProfile, table, "", faults)
    if table.get("name") != name:
        faults.append(f"name is {table.get('name')!r}, and the file's is {name!r}")
    if faults or not isinstance(profile, BoardProfile):
        raise BoardProfileError(f"board profile {name}: {'; '.join(faults)}")
    return profile


def _read_table(kind: type, table: dict[str, Any], place: str, faults: list[str]) -> Any:
    """A dataclass from a table; what is wrong is appended to `faults`."""
    hints = get_type_hints(kind)
    attributes = {each.name: each for each in dataclasses.fields(kind)}
    faults += [
        f"{place}{key} is no key; known are {', '.join(attributes)}"
        for key in table
        if key not in attributes
    ]
    values = {}
    for name, attribute in attributes.items():
        if name in table:
            found = _read_value(hints[name], table[name], f"{place}{name}", faults)
            _check_choice(attribute, found, f"{place}{name}", faults)
            values[name] = found
        elif attribute.default is dataclasses.MISSING:
            faults.append(f"{place}{name} is missing")
    required = {name for name, each in attributes.items() if each.default is dataclasses.MISSING}
    return kind(**values) if required <= values.keys() else None


def _read_value(hint: Any, value: Any, place: str, faults: list[str]) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
        return _read_value(hint, value, place, faults)
    if origin is tuple:
        return _read_list(get_args(hint)[0], value, place, faults)
    if origin is dict:
        return _read_texts(value, place, faults)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, dict):
            return _read_table(hint, value, f"{place}.", faults)
        faults.append(f"{place} is {value!r}; give a table")
        return None
    return _read_plain(hint, value, place, faults)


def _read_list(hint: Any, value: Any, place: str, faults: list[str]) -> tuple[Any, ...]:
    if not isinstance(value, list):
        faults.append(f"{place} is {value!r}; give a list")
        return ()
    return tuple(
        _read_value(hint, each, f"{place}[{index}]", faults) for index, each in enumerate(value)
    )


def _read_texts(value: Any, place: str, faults: list[str]) -> dict[str, str]:
    if not isinstance(value, dict):
        faults.append(f"{place} is {value!r}; give a table of texts")
        return {}
    return {key: _read_plain(str, each, f"{place}.{key}", faults) for key, each in value.items()}


def _read_plain(hint: Any, value: Any, place: str, faults: list[str]) -> Any:
    """A text that is not empty, or a number above 0."""
    accepted: Any = (int, float) if hint is float else hint
    if isinstance(value, bool) or not isinstance(value, accepted):
        faults.append(f"{place} is {value!r}; give {_KINDS[hint]}")
    elif isinstance(value, str):
        if not value.strip():
            faults.append(f"{place} is empty; give a text, or leave the key out")
    elif not 0 < value < math.inf:
        faults.append(f"{place} is {value!r}; give a number above 0")
    elif hint is float:
        return float(value)
    return value


_KINDS: dict[Any, str] = {str: "a text", int: "a whole number", float: "a number"}


def _check_choice(
    attribute: dataclasses.Field[Any], value: Any, place: str, faults: list[str]
) -> None:
    choices = attribute.metadata.get("choices")
    if choices is None:
        return
    given = value if isinstance(value, tuple) else (value,)
    faults += [
        f"{place} is {each!r}; known are {', '.join(map(str, choices))}"
        for each in given
        if each not in choices
    ]
