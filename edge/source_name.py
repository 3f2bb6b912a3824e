"""How a file, stream or device is named in messages."""

from __future__ import annotations

__all__ = ["show_source"]


def show_source(source: str) -> str:
    r"""Return a source's name as one printable line.

    Names come from file systems and users: one with a line break or a terminal's control
    characters is shown escaped.
    """
    return source if source.isprintable() else ascii(source)
