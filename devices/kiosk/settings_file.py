r"""The settings of the unit, in a file of the form that systemd reads (EnvironmentFile=).

systemd.exec(5) of systemd 252: lines of NAME=VALUE, comments begin with "#" or ";", a value may be
in double or single quotes, and in double quotes a backslash goes before ``" \ ` $``.
What this module does not understand it leaves as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from devices.kiosk.setup_error import KioskSetupError

__all__ = ["read_settings", "with_settings"]

_LINE = re.compile(r"[ \t]*(?P<name>[A-Za-z_][A-Za-z0-9_]*)=[ \t]*(?P<value>.*?)[ \t]*")
_DOUBLE_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SINGLE_QUOTED = re.compile(r"'[^']*'")
_ESCAPED = re.compile(r'\\(["\\`$])')


def read_settings(text: str) -> dict[str, str]:
    """Values by name; a later line wins, as it does for systemd.

    Args:
        text: the file.

    Raises:
        KioskSetupError: a line gives a value that this module cannot read.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _match(line)
        if match is not None:
            found[match["name"]] = _unquoted(match["value"], number)
    return found


def with_settings(text: str, changes: Mapping[str, str]) -> str:
    """The file with other values; every line that sets something else stays as it is.

    Args:
        text: the file.
        changes: values by name.

    Raises:
        KioskSetupError: a value holds what a line cannot.
    """
    missing = dict(changes)
    lines = []
    for line in text.splitlines():
        match = _match(line)
        name = "" if match is None else match["name"]
        if name not in changes:
            lines.append(line)
        elif name in missing:
            lines.append(_assignment(name, missing.pop(name)))
    lines += [_assignment(name, value) for name, value in missing.items()]
    return "".join(f"{line}\n" for line in lines)


def _match(line: str) -> re.Match[str] | None:
    return None if line.lstrip().startswith(("#", ";")) else _LINE.fullmatch(line)


def _unquoted(value: str, number: int) -> str:
    if _DOUBLE_QUOTED.fullmatch(value):
        return _ESCAPED.sub(r"\1", value[1:-1])
    if _SINGLE_QUOTED.fullmatch(value):
        return value[1:-1]
    if any(mark in value for mark in "\"'\\"):
        raise KioskSetupError(
            f'line {number} of kiosk.env sets {value!r}; write it as one value in "..." so that '
            "it can be read"
        )
    return value


def _assignment(name: str, value: str) -> str:
    if not value.isprintable():
        raise KioskSetupError(f"{name} would be {value!r}; leave control characters out")
    escaped = re.sub(r'(["\\`$])', r"\\\1", value)
    return f'{name}="{escaped}"'
