"""One reason not to ship, in a form that a user can overrule by name."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a model or its examples that should not be so.

    Attributes:
        name: stable, in words joined by "-"; what a user names to accept it all the same.
        message: one line: what, the values seen, and the way out.
        is_fatal: whether to refuse; otherwise it is told and nothing more.
    """

    name: str
    message: str
    is_fatal: bool
