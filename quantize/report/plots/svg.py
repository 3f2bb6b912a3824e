"""Elements of SVG and HTML as text, escaped."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import count

__all__ = ["Caption", "IdSource", "coordinate", "element", "figure_svg", "text_at"]


@dataclass(frozen=True, slots=True)
class Caption:
    """What a drawing says to a screen reader: what it is, and what can be seen in it."""

    title: str
    description: str


class IdSource:
    """Identifiers that are unique on one page, and the same every time it is made."""

    def __init__(self) -> None:
        self._next = count(1)

    def new(self, word: str) -> str:
        """The next one."""
        return f"{word}-{next(self._next)}"


def coordinate(value: float) -> str:
    """A position in user units, short."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def element(tag: str, attributes: dict[str, object] | None = None, *children: str) -> str:
    """One element.

    Args:
        tag: its name.
        attributes: by name; "_" stands for "-" so that keywords may be used; floats are shortened.
        children: markup that is already escaped.
    """
    words = "".join(
        f' {name.replace("_", "-")}="{_attribute(value)}"'
        for name, value in (attributes or {}).items()
        if value is not None
    )
    if not children:
        return f"<{tag}{words}/>"
    return f"<{tag}{words}>{''.join(children)}</{tag}>"


def _attribute(value: object) -> str:
    return coordinate(value) if isinstance(value, float) else escape(str(value), quote=True)


def text_at(x: float, y: float, text: str, *, kind: str = "tick", anchor: str = "start") -> str:
    """A line of text; `kind` is its class."""
    return element("text", {"x": x, "y": y, "class": kind, "text-anchor": anchor}, escape(text))


def figure_svg(ids: IdSource, size: tuple[float, float], caption: Caption, *parts: str) -> str:
    """A whole drawing.

    Args:
        ids: of the page.
        size: width and height in user units; the page scales it.
        caption: for screen readers.
        parts: its markup.
    """
    title_id, description_id = ids.new("title"), ids.new("desc")
    width, height = size
    return element(
        "svg",
        {
            "viewBox": f"0 0 {coordinate(width)} {coordinate(height)}",
            "width": width,
            "height": height,
            "role": "img",
            "aria-labelledby": f"{title_id} {description_id}",
        },
        element("title", {"id": title_id}, escape(caption.title)),
        element("desc", {"id": description_id}, escape(caption.description)),
        *parts,
    )
