"""Charts of named rows along one axis: bars, points with intervals, ranges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from quantize.report.plots.axis import Axis, axis_over
from quantize.report.plots.svg import Caption, IdSource, element, figure_svg, text_at

__all__ = ["Bar", "Interval", "Span", "bar_chart", "interval_chart", "range_chart"]

_WIDTH = 860.0
_LABEL_WIDTH = 320.0
_VALUE_WIDTH = 100.0
_ROW = 22.0
_TOP = 8.0
_BOTTOM = 26.0
_MOST_LETTERS = 48


@dataclass(frozen=True, slots=True)
class Bar:
    """A row with one value: its name, how the value reads, what a pointer shows, its class."""

    name: str
    value: float
    text: str
    hint: str = ""
    kind: str = "one"


@dataclass(frozen=True, slots=True)
class Interval:
    """A row with a value inside bounds."""

    name: str
    value: float
    low: float
    high: float
    text: str
    kind: str = "one"


@dataclass(frozen=True, slots=True)
class Span:
    """A row with what was seen and what is covered, each from low to high."""

    name: str
    seen: tuple[float, float]
    covered: tuple[float, float]
    text: str


def bar_chart(ids: IdSource, caption: Caption, bars: Sequence[Bar]) -> str:
    """Horizontal bars from zero."""
    axis = _axis([each.value for each in bars])
    zero = axis.at(0.0)

    def draw(at: int, y: float) -> str:
        bar = bars[at]
        end = axis.at(bar.value)
        return element(
            "rect",
            {
                "x": min(zero, end),
                "y": y + 4,
                "width": max(abs(end - zero), 1.0),
                "height": _ROW - 8,
                "rx": 2,
                "class": f"bar {bar.kind}",
            },
            element("title", None, escape(bar.hint or f"{bar.name}: {bar.text}")),
        )

    rows = [(each.name, each.text) for each in bars]
    return _chart(ids, caption, rows, axis, draw)


def interval_chart(
    ids: IdSource,
    caption: Caption,
    rows: Sequence[Interval],
    *,
    with_zero: bool = True,
) -> str:
    """A point a row, with a line over its interval."""
    ends = [end for each in rows for end in (each.low, each.high, each.value)]
    axis = _axis(ends, with_zero=with_zero)

    def draw(at: int, y: float) -> str:
        row, middle = rows[at], y + _ROW / 2
        line = element(
            "line",
            {
                "x1": axis.at(row.low),
                "x2": axis.at(row.high),
                "y1": middle,
                "y2": middle,
                "class": f"whisker {row.kind}",
            },
        )
        point = element(
            "circle",
            {"cx": axis.at(row.value), "cy": middle, "r": 4.5, "class": f"point {row.kind}"},
            element("title", None, escape(f"{row.name}: {row.text}")),
        )
        return line + point

    return _chart(ids, caption, [(each.name, each.text) for each in rows], axis, draw)


def range_chart(ids: IdSource, caption: Caption, spans: Sequence[Span]) -> str:
    """What was seen of each tensor, and what its levels cover, each row on a scale of its own."""
    axis = Axis(0.0, 1.0, _LABEL_WIDTH, _WIDTH - _VALUE_WIDTH - 60)

    def draw(at: int, y: float) -> str:
        span = spans[at]
        low = min(span.seen[0], span.covered[0], 0.0)
        size = max(span.seen[1], span.covered[1], 0.0) - low or 1.0
        middle = y + _ROW / 2

        def place(value: float) -> float:
            return axis.at((value - low) / size)

        seen = element(
            "line",
            {
                "x1": place(span.seen[0]),
                "x2": place(span.seen[1]),
                "y1": middle,
                "y2": middle,
                "class": "seen",
            },
        )
        start, end = (place(each) for each in span.covered)
        covered = element(
            "rect",
            {
                "x": start,
                "y": y + 6,
                "width": max(end - start, 1.0),
                "height": _ROW - 12,
                "rx": 2,
                "class": "covered one",
            },
            element("title", None, escape(f"{span.name}: {span.text}")),
        )
        zero = element(
            "line",
            {"x1": place(0.0), "x2": place(0.0), "y1": y + 3, "y2": y + _ROW - 3, "class": "zero"},
        )
        return covered + seen + zero

    rows = [(each.name, each.text) for each in spans]
    return _chart(ids, caption, rows, axis, draw, has_ticks=False)


def _axis(values: list[float], *, with_zero: bool = True) -> Axis:
    return axis_over(values, _LABEL_WIDTH, _WIDTH - _VALUE_WIDTH, with_zero=with_zero)


def _chart(
    ids: IdSource,
    caption: Caption,
    rows: Sequence[tuple[str, str]],
    axis: Axis,
    draw: Callable[[int, float], str],
    *,
    has_ticks: bool = True,
) -> str:
    bottom = _TOP + _ROW * len(rows)
    parts = _grid(axis, bottom) if has_ticks else []
    for at, (name, text) in enumerate(rows):
        y = _TOP + _ROW * at
        middle = y + _ROW / 2 + 4
        parts.append(text_at(_LABEL_WIDTH - 8, middle, _short(name), kind="name", anchor="end"))
        parts.append(draw(at, y))
        parts.append(text_at(_WIDTH - 4, middle, text, kind="value", anchor="end"))
    return figure_svg(ids, (_WIDTH, bottom + _BOTTOM), caption, *parts)


def _grid(axis: Axis, bottom: float) -> list[str]:
    parts = []
    for tick in axis.ticks():
        x = axis.at(tick)
        kind = "zero" if abs(tick) < 1e-12 else "grid"  # noqa: PLR2004 - ticks are multiples
        parts.append(
            element("line", {"x1": x, "x2": x, "y1": _TOP - 4, "y2": bottom, "class": kind})
        )
        parts.append(text_at(x, bottom + 16, f"{tick:.4g}", anchor="middle"))
    return parts


def _short(name: str) -> str:
    """Long names keep their end, which tells layers apart."""
    return name if len(name) <= _MOST_LETTERS else "…" + name[1 - _MOST_LETTERS :]
