"""Curves over 0..1 in both directions: ROC and reliability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from quantize.report.plots.svg import Caption, IdSource, coordinate, element, figure_svg, text_at

__all__ = ["Curve", "unit_square"]

_SIDE = 190.0
_LEFT, _TOP, _RIGHT, _BOTTOM = 40.0, 22.0, 10.0, 36.0
_TICKS = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points in 0..1.

    Attributes:
        name: whose it is.
        points: x and y, in order.
        kind: its class.
        has_marks: whether each point is marked.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    kind: str
    has_marks: bool = False


def unit_square(
    ids: IdSource,
    caption: Caption,
    axes: tuple[str, str],
    curves: Sequence[Curve],
) -> str:
    """Draw curves over a dashed diagonal.

    Args:
        ids: of the page.
        caption: its title stands above it.
        axes: names of x and y.
        curves: the first is drawn first, below the others.
    """
    parts = [text_at(_LEFT, 13, caption.title, kind="name"), *_frame(axes)]
    for curve in curves:
        path = " ".join(
            f"{'M' if at == 0 else 'L'}{coordinate(_x(x))} {coordinate(_y(y))}"
            for at, (x, y) in enumerate(curve.points)
        )
        hint = element("title", None, escape(curve.name))
        parts.append(element("path", {"d": path, "class": f"curve {curve.kind}"}, hint))
        if curve.has_marks:
            parts += [
                element(
                    "circle",
                    {"cx": _x(x), "cy": _y(y), "r": 3.5, "class": f"point {curve.kind}"},
                    element("title", None, escape(f"{curve.name}: {x:.2f}, {y:.2f}")),
                )
                for x, y in curve.points
            ]
    size = (_LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM)
    return figure_svg(ids, size, caption, *parts)


def _frame(axes: tuple[str, str]) -> list[str]:
    parts = []
    for tick in _TICKS:
        x, y = _x(tick), _y(tick)
        parts += [
            element("line", {"x1": x, "x2": x, "y1": _y(0), "y2": _y(1), "class": "grid"}),
            element("line", {"x1": _x(0), "x2": _x(1), "y1": y, "y2": y, "class": "grid"}),
            text_at(x, _y(0) + 14, f"{tick:g}", anchor="middle"),
            text_at(_LEFT - 5, y + 4, f"{tick:g}", anchor="end"),
        ]
    parts.append(
        element("line", {"x1": _x(0), "y1": _y(0), "x2": _x(1), "y2": _y(1), "class": "diagonal"})
    )
    parts.append(text_at(_x(0.5), _y(0) + 28, axes[0], anchor="middle"))
    middle = f"translate(11 {coordinate(_y(0.5))}) rotate(-90)"
    name = element("text", {"class": "tick", "text-anchor": "middle"}, escape(axes[1]))
    parts.append(element("g", {"transform": middle}, name))
    return parts


def _x(value: float) -> float:
    return _LEFT + value * _SIDE


def _y(value: float) -> float:
    return _TOP + (1.0 - value) * _SIDE
