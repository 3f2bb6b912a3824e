"""HTML tables: every plot's numbers stand beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

__all__ = ["details", "paragraph", "table"]

_WITH_BOUNDS = re.compile(r"(\S+(?: %)?) (\([^()]+\))")


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first cell of a row is its head, the others are set right where numbers are.

    Args:
        caption: says what it holds.
        header: one cell a column.
        rows: cells as text.
    """
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(_row(row) for row in rows)
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[str]) -> str:
    first, *others = row
    cells = "".join(f"<td{_kind(cell)}>{_content(cell)}</td>" for cell in others)
    return f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'


def _content(cell: str) -> str:
    """A number's bounds go to the next line as a whole where there is no room beside it."""
    found = _WITH_BOUNDS.fullmatch(cell)
    if found is None:
        return escape(cell)
    return f'{escape(found[1])} <span class="bounds">{escape(found[2])}</span>'


def _kind(cell: str) -> str:
    is_number = cell[:1].isdigit() or cell[:1] in {"+", "−", "–", "<", "-"}  # noqa: RUF001 - minus
    return ' class="number"' if is_number else ""


def details(summary: str, content: str) -> str:
    """Content that is shown when asked for, and always in print."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    words = f' class="{escape(kind)}"' if kind else ""
    return f"<p{words}>{escape(text)}</p>"
